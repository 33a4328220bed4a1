//! What is done for speed shows in no pixel: planes instead of RGB, buffers of earlier pictures.

use turbojpeg::Subsamp;

use super::*;

fn subsampled(width: u32, height: u32, subsampling: Subsamp) -> Vec<u8> {
    let mut compressor = turbojpeg::Compressor::new().unwrap();
    compressor.set_quality(95).unwrap();
    compressor.set_subsamp(subsampling).unwrap();
    let pixels = picture(width, height);
    let (width, height) = (width as usize, height as usize);
    let format = turbojpeg::PixelFormat::RGB;
    let image = turbojpeg::Image { pixels: &pixels[..], width, pitch: width * 3, height, format };
    compressor.compress_to_vec(image).unwrap()
}

#[test]
fn scaled_planes_are_scaled_rgb() {
    for (subsampling, size) in
        [(Subsamp::Sub2x2, (320, 240)), (Subsamp::Sub2x1, (320, 241)), (Subsamp::Sub2x2, (321, 239))]
    {
        let jpeg = subsampled(size.0, size.1, subsampling);
        let decoded = turbojpeg::decompress(&jpeg, turbojpeg::PixelFormat::RGB).unwrap();
        let png = rgb_png(size.0, size.1, &decoded.pixels);
        for orientation in [1u16, 6] {
            let jpeg = with_orientation(&jpeg, orientation);
            let upright = PixelSize::new(size.0, size.1).turned(Orientation::from_exif(orientation.into()).turn());
            let mut spec = spec((upright.width, upright.height), (70, 71));
            spec.cells[0].region = Region { x: 21.3, y: 40.6, width: 160.5, height: 150.25 };
            let found = rendered_pixels(&jpeg, &spec);
            // The same from RGB, turned by the manifest instead of the camera.
            spec.cells[0].rotate = Orientation::from_exif(orientation.into()).turn();
            let wanted = rendered_pixels(&png, &spec);
            let off: Vec<f64> = found.iter().zip(&wanted).map(|(a, b)| f64::from(a.abs_diff(*b))).collect();
            let worst = off.iter().copied().fold(0.0, f64::max);
            let mean = off.iter().sum::<f64>() / off.len() as f64;
            assert!(worst <= 4.0 && mean < 0.6, "{subsampling:?} {size:?} {orientation}: {mean}, at most {worst}");
        }
    }
}

#[test]
fn buffers_of_earlier_pictures_do_not_show() {
    let jpegs = [subsampled(1400, 1000, Subsamp::Sub2x2), subsampled(1300, 1100, Subsamp::None)];
    let mut specs = [spec((1400, 1000), (700, 500)), spec((1300, 1100), (1300, 1100))];
    for spec in &mut specs {
        spec.encoding = JPEG;
        spec.cells[0].sharpen = Some(Unsharp { radius: 1.0, amount: 1.0, threshold: 1.0 });
    }
    let render = || [0, 1].map(|i| render_one(&jpegs[i], &specs[i]).unwrap().bytes);
    let wanted = render();
    std::thread::spawn(move || {
        keep_at_most(64 * 1024 * 1024);
        let render = || [1, 0, 1].map(|i| render_one(&jpegs[i], &specs[i]).unwrap().bytes);
        for _ in 0..2 {
            let [second, first, again] = render();
            assert!(first == wanted[0] && second == wanted[1] && again == wanted[1]);
        }
    })
    .join()
    .unwrap();
}
