//! Pictures in memory and as PNG.

use super::RenderError;

/// A picture: 8-bit sRGB red, green, blue and opacity, rows from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RgbaImage {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `width * height` pixels, row by row.
    pub pixels: Vec<[u8; 4]>,
}

impl RgbaImage {
    /// A picture of one colour.
    pub fn filled(width: u32, height: u32, colour: [u8; 4]) -> Self {
        Self { width, height, pixels: vec![colour; width as usize * height as usize] }
    }

    /// Copies `picture` into this one with its top left corner at `(left, top)`; what falls outside is cut off.
    pub fn paste(&mut self, picture: &Self, left: u32, top: u32) {
        let columns = picture.width.min(self.width.saturating_sub(left)) as usize;
        for row in 0..picture.height.min(self.height.saturating_sub(top)) {
            let from = (row * picture.width) as usize;
            let to = ((row + top) * self.width + left) as usize;
            self.pixels[to..to + columns].copy_from_slice(&picture.pixels[from..from + columns]);
        }
    }

    /// The picture as a PNG file.
    ///
    /// # Errors
    /// [`RenderError::Png`] when the picture has no pixels.
    pub fn to_png(&self) -> Result<Vec<u8>, RenderError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(self.pixels.as_flattened())?;
        writer.finish()?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_png_decodes_to_the_same_pixels() {
        let mut picture = RgbaImage::filled(3, 2, [10, 20, 30, 255]);
        picture.paste(&RgbaImage::filled(5, 1, [200, 0, 0, 255]), 1, 1);
        let png = picture.to_png().unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let mut decoded = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut decoded).unwrap();
        assert_eq!(decoded, picture.pixels.as_flattened());
        assert_eq!(picture.pixels[3], [10, 20, 30, 255]);
        assert_eq!(picture.pixels[5], [200, 0, 0, 255]);
    }

    #[test]
    fn an_empty_picture_is_refused() {
        assert!(RgbaImage::filled(0, 4, [0; 4]).to_png().is_err());
    }
}
