//! Contact sheets: several pictures on one, each with its label.

use super::text::{GLYPH_HEIGHT, draw_text};
use super::{RenderError, RgbaImage};

const MARGIN: u32 = 6;
const PAPER: [u8; 4] = [30, 32, 36, 255];
const INK: [u8; 4] = [232, 234, 238, 255];

/// Lays pictures out in rows of `columns`, each with its label under it; missing labels are left blank.
///
/// # Errors
/// [`RenderError::Sheet`] when there are no pictures, no columns, or pictures of different sizes.
pub fn contact_sheet(
    images: &[RgbaImage],
    columns: usize,
    labels: &[impl AsRef<str>],
) -> Result<RgbaImage, RenderError> {
    let Some(first) = images.first() else {
        return Err(RenderError::Sheet("there are no pictures to lay out".to_owned()));
    };
    if columns == 0 {
        return Err(RenderError::Sheet("0 columns; give at least 1".to_owned()));
    }
    if let Some(other) =
        images.iter().find(|image| (image.width, image.height) != (first.width, first.height))
    {
        let sizes = (other.width, other.height, first.width, first.height);
        let message =
            format!("a picture of {}x{} among pictures of {}x{}", sizes.0, sizes.1, sizes.2, sizes.3);
        return Err(RenderError::Sheet(message));
    }
    let scale = (first.width / 160).clamp(1, 4);
    let columns = columns.min(images.len()) as u32;
    let rows = (images.len() as u32).div_ceil(columns);
    let cell = (first.width + MARGIN, first.height + GLYPH_HEIGHT * scale + 2 * MARGIN);
    let mut sheet = RgbaImage::filled(columns * cell.0 + MARGIN, rows * cell.1 + MARGIN, PAPER);
    for (index, image) in images.iter().enumerate() {
        let left = MARGIN + index as u32 % columns * cell.0;
        let top = MARGIN + index as u32 / columns * cell.1;
        sheet.paste(image, left, top);
        if let Some(label) = labels.get(index) {
            draw_text(
                &mut sheet,
                label.as_ref(),
                left,
                top + image.height + MARGIN / 2,
                scale,
                INK,
                image.width,
            );
        }
    }
    Ok(sheet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_and_labels_land_in_their_cells() {
        let red = RgbaImage::filled(40, 20, [255, 0, 0, 255]);
        let blue = RgbaImage::filled(40, 20, [0, 0, 255, 255]);
        let sheet = contact_sheet(&[red.clone(), blue, red], 2, &["a", "jawOpen"]).unwrap();
        let at = |x: u32, y: u32| sheet.pixels[(y * sheet.width + x) as usize];
        assert_eq!(at(MARGIN, MARGIN), [255, 0, 0, 255]);
        assert_eq!(at(2 * MARGIN + 40, MARGIN), [0, 0, 255, 255]);
        assert_eq!(at(MARGIN, 3 * MARGIN + 20 + GLYPH_HEIGHT), [255, 0, 0, 255]);
        assert!(sheet.pixels.contains(&INK));
    }

    #[test]
    fn impossible_sheets_say_why() {
        let none: [&str; 0] = [];
        assert!(contact_sheet(&[], 2, &none).is_err());
        assert!(contact_sheet(&[RgbaImage::filled(1, 1, PAPER)], 0, &none).is_err());
        let sizes = [RgbaImage::filled(1, 1, PAPER), RgbaImage::filled(2, 1, PAPER)];
        assert!(contact_sheet(&sizes, 2, &none).unwrap_err().to_string().contains("2x1"));
    }
}
