//! Contact sheets: several pictures on one, each with its label.

use super::text::{GLYPH_HEIGHT, draw_text};
use super::{RenderError, RgbaImage};

const MARGIN: u32 = 6;
const PAPER: [u8; 4] = [30, 32, 36, 255];
const INK: [u8; 4] = [232, 234, 238, 255];

/// Lays pictures out in rows of `columns`, each with its label under it and a caption above all; missing
/// labels are left blank, and an empty caption takes no room.
///
/// # Errors
/// [`RenderError::Sheet`] when there are no pictures, no columns, or pictures of different sizes.
pub fn contact_sheet(
    images: &[RgbaImage],
    columns: usize,
    labels: &[impl AsRef<str>],
    caption: &str,
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
    let header = if caption.is_empty() { 0 } else { GLYPH_HEIGHT * scale + MARGIN };
    let mut sheet = RgbaImage::filled(columns * cell.0 + MARGIN, rows * cell.1 + MARGIN + header, PAPER);
    let caption_width = sheet.width - 2 * MARGIN;
    draw_text(&mut sheet, caption, MARGIN, MARGIN, scale, INK, caption_width);
    for (index, image) in images.iter().enumerate() {
        let left = MARGIN + index as u32 % columns * cell.0;
        let top = header + MARGIN + index as u32 / columns * cell.1;
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
        let sheet = contact_sheet(&[red.clone(), blue, red], 2, &["a", "jawOpen"], "").unwrap();
        let at = |x: u32, y: u32| sheet.pixels[(y * sheet.width + x) as usize];
        assert_eq!(at(MARGIN, MARGIN), [255, 0, 0, 255]);
        assert_eq!(at(2 * MARGIN + 40, MARGIN), [0, 0, 255, 255]);
        assert_eq!(at(MARGIN, 3 * MARGIN + 20 + GLYPH_HEIGHT), [255, 0, 0, 255]);
        assert!(sheet.pixels.contains(&INK));
    }

    #[test]
    fn a_caption_stands_above_the_pictures() {
        let red = RgbaImage::filled(160, 20, [255, 0, 0, 255]);
        let none: [&str; 0] = [];
        let sheet = |caption: &str| contact_sheet(std::slice::from_ref(&red), 1, &none, caption).unwrap();
        let (plain, captioned) = (sheet(""), sheet("line.wav"));
        assert_eq!(captioned.height, plain.height + GLYPH_HEIGHT + MARGIN);
        let header = (MARGIN + GLYPH_HEIGHT) * captioned.width;
        assert!(captioned.pixels[..header as usize].contains(&INK));
        assert!(!plain.pixels.contains(&INK));
        let below = (2 * MARGIN + GLYPH_HEIGHT) * captioned.width + MARGIN;
        assert_eq!(captioned.pixels[below as usize], [255, 0, 0, 255]);
    }

    #[test]
    fn impossible_sheets_say_why() {
        let none: [&str; 0] = [];
        assert!(contact_sheet(&[], 2, &none, "").is_err());
        assert!(contact_sheet(&[RgbaImage::filled(1, 1, PAPER)], 0, &none, "").is_err());
        let sizes = [RgbaImage::filled(1, 1, PAPER), RgbaImage::filled(2, 1, PAPER)];
        assert!(contact_sheet(&sizes, 2, &none, "").unwrap_err().to_string().contains("2x1"));
    }
}
