//! When a picture was taken, as the client's computer is told it: in the picture, and in the archive around it.

use std::path::Path;

use super::links;
use super::studio::{Studio, jpeg};

/// A JPEG that a camera wrote: `DateTime` and `DateTimeOriginal`, a place and a serial number.
fn dated(taken: &str) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    let directory =
        |entries: &[Vec<u8>]| [&(entries.len() as u16).to_le_bytes()[..], &entries.concat(), &[0; 4]].concat();
    let text = [taken.as_bytes(), b"\0"].concat();
    let length = text.len() as u32;
    // The first directory ends at 50, the second at 80, that of the place at 98.
    let main = directory(&[entry(0x0132, 2, length, 98), entry(0x8769, 4, 1, 50), entry(0x8825, 4, 1, 80)]);
    let exif = directory(&[entry(0x9003, 2, length, 98), entry(0xa431, 2, 4, u32::from_le_bytes(*b"S77\0"))]);
    let gps = directory(&[entry(0x0001, 2, 2, u32::from(b'N'))]);
    let block = [&b"Exif\0\0II*\0\x08\0\0\0"[..], &main, &exif, &gps, &text].concat();
    let length = (block.len() as u16 + 2).to_be_bytes();
    let plain = jpeg(60, 40);
    [&plain[..2], &[0xff, 0xe1], &length, &block, &plain[2..]].concat()
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Names, dates and bytes of a zip's entries.
fn entries(zip: &[u8]) -> Vec<(String, String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(zip)).unwrap();
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        entries.push((entry.name().unwrap().into_owned(), entry.last_modified().unwrap().to_string(), bytes));
    }
    entries
}

/// The zip that a server in a zone makes of an order.
fn zipped(zone: &str) -> Vec<u8> {
    let mut studio = Studio::new();
    studio.serve_with(&[("TZ", zone)]);
    studio.write("drop/exports/7/a.jpg", &dated("2026:06:20 14:01:03"));
    studio.write("drop/exports/7/b.jpg", &dated("0000:00:00 00:00:00"));
    studio.write("drop/exports/7/c.jpg", &jpeg(40, 60));
    let lines = ["a", "b", "c"].map(|name| format!(r#"{{ "line": 1, "image": "{name}.jpg" }}"#));
    let lines: Vec<String> =
        (1..).zip(lines).map(|(n, line)| line.replace("\"line\": 1", &format!("\"line\": {n}"))).collect();
    let order = format!(
        r#"{{ "manifest": 1, "kind": "production_order", "record": 7, "status": "zip", "lines": [{}] }}"#,
        lines.join(", ")
    );
    studio.write("drop/exports/7/order.json", order.as_bytes());
    studio.wait_jobs("done", 1);
    studio.stop();
    studio.audit();
    std::fs::read(studio.path("zips/7.zip")).unwrap()
}

#[test]
fn a_zip_is_dated_by_the_camera_whatever_the_zone_of_the_server() {
    let zip = zipped("UTC");
    let entries = entries(&zip);
    let dates: Vec<(&str, &str)> = entries.iter().map(|(name, date, _)| (name.as_str(), date.as_str())).collect();
    assert_eq!(
        dates,
        [("a.jpg", "2026-06-20 14:01:02"), ("b.jpg", "1980-01-01 00:00:00"), ("c.jpg", "1980-01-01 00:00:00")]
    );
    let picture = &entries[0].2;
    assert!(has(picture, "2026:06:20 14:01:03\0"), "the picture itself says it, to the second");
    let told = exif::Reader::new().read_from_container(&mut std::io::Cursor::new(picture)).unwrap();
    let says = |tag| told.get_field(tag, exif::In::PRIMARY).is_some();
    assert!(says(exif::Tag::DateTime) && says(exif::Tag::DateTimeOriginal));
    assert!(!says(exif::Tag::BodySerialNumber) && !says(exif::Tag::GPSLatitudeRef), "and nothing else of the camera");
    assert!(!has(&entries[1].2, "0000:00:00"), "no clock, no date");
    assert_eq!(zipped("Pacific/Kiritimati"), zip);
}

#[test]
fn the_zip_of_a_link_is_dated_too() {
    let mut studio = links::studio("");
    studio.write("sessions/S1/Hi-Res/S1001.jpg", &dated("2019:12:31 23:59:59"));
    studio.serve();
    studio.drop_file("status", "i.json", &links::paid("7", &[1, 2]));
    studio.wait_jobs("done", 1);
    let (_, record) = links::records(&studio).remove(0);
    let zip = std::fs::read(Path::new(record["folder"].as_str().unwrap()).join("pictures.zip")).unwrap();
    let dated: Vec<(String, String)> = entries(&zip).into_iter().map(|(name, date, _)| (name, date)).collect();
    let none = "1980-01-01 00:00:00";
    for (name, date) in dated {
        let expected = if name.ends_with("S1001.jpg") { "2019-12-31 23:59:58" } else { none };
        assert_eq!(date, expected, "{name}");
    }
    studio.stop();
}
