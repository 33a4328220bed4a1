//! Download links, from the drop to the receipt: what lies behind them, and that there is one.

use std::path::PathBuf;

use serde_json::Value;

use super::studio::{CONFIG, Studio, files, invoice};

/// A package of two profiles and a file of the studio's own.
pub fn config(options: &str) -> String {
    let link = format!(
        r#"  small: {{ images: ordered, per: image, size: 40px, name: "{{stem}}" }}
  large: {{ images: ordered, per: image, name: "{{stem}}" }}
downloads: {{ listen: "127.0.0.1:0", public_url: "https://photos.larson.example" }}
render_jobs:
  - name: package
    when: {{ kind: invoice, status: paid }}
    run: [large, small]
    deliver:
      - to: link
        contents:
          - {{ profile: large, folder: "Full size" }}
          - {{ profile: small, folder: "Web {{record}}" }}
          - {{ file: release.txt }}
        {options}
"#
    );
    CONFIG.replace("render_jobs:\n", &link)
}

pub fn studio(options: &str) -> Studio {
    studio_at(options, "127.0.0.1:0")
}

/// Its download pages are at this address.
pub fn studio_at(options: &str, listen: &str) -> Studio {
    let studio = Studio::bare(&config(options).replace("127.0.0.1:0", listen));
    studio.write("release.txt", b"You may print these.\n");
    for number in 1..=3 {
        studio.picture(&format!("sessions/S1/Hi-Res/S1{number:03}.jpg"), 90, 60);
    }
    studio
}

pub fn paid(record: &str, numbers: &[u32]) -> String {
    invoice(record, numbers).replace("printing", "paid")
}

/// The only link of a job.
pub fn link(studio: &Studio, job: &std::path::Path) -> Value {
    let receipt = studio.receipt(job);
    let links = receipt["links"].as_array().unwrap();
    assert_eq!(links.len(), 1, "{receipt}");
    links[0].clone()
}

pub fn records(studio: &Studio) -> Vec<(String, Value)> {
    let names = files(&studio.path("spool/links")).into_iter().filter(|name| name.ends_with(".json"));
    names.map(|name| (name.clone(), studio.json(&studio.path(&format!("spool/links/{name}"))))).collect()
}

pub fn entries(zip: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(zip)).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut entry = archive.by_index(index).unwrap();
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
            (entry.name().unwrap().into_owned(), bytes)
        })
        .collect()
}

#[test]
fn a_package_lies_behind_a_link_that_only_its_receipt_knows() {
    let mut studio = studio("expires: 10d\n        max_downloads: 3");
    studio.serve();
    studio.drop_file("status", "i.json", &paid("1042", &[1, 2]));
    let job = studio.wait_jobs("done", 1).remove(0);
    let link = link(&studio, &job);
    let url = link["url"].as_str().unwrap();
    let token = url.strip_prefix("https://photos.larson.example/d/").unwrap();
    assert_eq!(token.len(), 43);
    let pin = link["pin"].as_str().unwrap();
    assert!(pin.len() == 4 && pin.bytes().all(|b| b.is_ascii_digit()), "{pin}");
    let expires: jiff::Timestamp = link["expires"].as_str().unwrap().parse().unwrap();
    let left = expires.duration_since(jiff::Timestamp::now()).as_hours();
    assert!((239..=240).contains(&left), "{left}");

    // The spool knows its link by a digest only.
    let records = records(&studio);
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].0, format!("{}.json", hotfolders::model::digest::sha256(token.as_bytes())));
    let text = records[0].1.to_string();
    assert!(!text.contains(token) && !text.contains(&format!("\"{pin}\"")), "{text}");
    for name in files(&studio.path("logs")) {
        let text = std::fs::read_to_string(studio.path(&format!("logs/{name}"))).unwrap();
        assert!(!text.contains(token), "{name} has the token");
    }

    // One folder, not named by the token, with everything in the zip and small pictures beside it.
    let below = files(&studio.path("downloads"));
    assert!(below.iter().all(|name| !name.contains(token)));
    let zip = below.iter().find(|name| name.ends_with("/pictures.zip")).unwrap();
    assert_eq!(below.iter().filter(|name| name.contains("/thumb-")).count(), 4);
    assert_eq!(below.iter().filter(|name| name.contains("/screen-")).count(), 4);
    let bytes = std::fs::read(studio.path(&format!("downloads/{zip}"))).unwrap();
    let entries = entries(&bytes);
    let names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["Full size/S1001.jpg", "Full size/S1002.jpg", "Web 1042/S1001.jpg", "Web 1042/S1002.jpg", "release.txt"]
    );
    let receipt = studio.receipt(&job);
    for output in receipt["outputs"].as_array().unwrap() {
        let path = output["path"].as_str().unwrap();
        let name = path.strip_prefix(&format!("downloads/{zip}/")).unwrap();
        let (_, bytes) = entries.iter().find(|(entry, _)| entry == name).unwrap();
        assert_eq!(output["sha256"], hotfolders::model::digest::sha256(bytes));
    }
    assert_eq!(receipt["outputs"].as_array().unwrap().len(), 4);
    // A single file is a stretch of the zip.
    let folder = PathBuf::from(records[0].1["folder"].as_str().unwrap());
    let contents = studio.json(&folder.join("contents.json"));
    for file in contents["files"].as_array().unwrap() {
        let (start, length) = (file["offset"].as_u64().unwrap() as usize, file["bytes"].as_u64().unwrap() as usize);
        let (_, expected) = entries.iter().find(|(name, _)| *name == file["path"]).unwrap();
        assert_eq!(&bytes[start..start + length], expected.as_slice());
    }
    studio.stop();
    studio.audit();
}

#[test]
fn a_key_keeps_the_address_and_changes_what_lies_behind_it() {
    let mut studio = studio("key: \"{record}\"");
    studio.serve();
    studio.drop_file("status", "a.json", &paid("1042", &[1, 2]));
    let first = studio.wait_jobs("done", 1).remove(0);
    studio.drop_file("status", "b.json", &paid("1042", &[1, 3]));
    let held = studio.wait_jobs("held", 1).remove(0);
    let id = held.file_name().unwrap().to_str().unwrap().to_string();
    studio.run(&["jobs", "release", &id]).expect(0);
    let second = studio.wait_jobs("done", 2).into_iter().find(|job| *job != first).unwrap();
    let (before, after) = (link(&studio, &first), link(&studio, &second));
    assert_eq!((&before["url"], &before["pin"]), (&after["url"], &after["pin"]));
    assert_eq!((&before["refreshed"], &after["refreshed"]), (&Value::from(false), &Value::from(true)));
    assert_eq!(records(&studio).len(), 1);
    let zips: Vec<String> = files(&studio.path("downloads")).into_iter().filter(|n| n.ends_with(".zip")).collect();
    assert_eq!(zips.len(), 1, "what lay behind it before is gone");
    let bytes = std::fs::read(studio.path(&format!("downloads/{}", zips[0]))).unwrap();
    assert!(entries(&bytes).iter().any(|(name, _)| name == "Full size/S1003.jpg"));
    // The same once more is nothing new.
    studio.drop_file("status", "c.json", &paid("1042", &[1, 3]));
    let third = studio.wait_jobs("done", 3);
    assert!(third.iter().any(|job| studio.receipt(job)["result"] == "duplicate"));
    studio.stop();
    studio.audit();
}

#[test]
fn pictures_to_look_at_are_not_lying_there_in_full() {
    let mut studio = studio("show: view\n        pin: none");
    studio.serve();
    studio.drop_file("status", "i.json", &paid("1042", &[1]));
    let job = studio.wait_jobs("done", 1).remove(0);
    assert_eq!(link(&studio, &job)["pin"], Value::Null);
    let below = files(&studio.path("downloads"));
    assert!(below.iter().all(|name| !name.ends_with(".zip") && !name.contains("S1001")), "{below:?}");
    assert_eq!(below.iter().filter(|name| name.contains("/screen-")).count(), 2);
    studio.stop();
    studio.audit();
}

fn job_id(job: &std::path::Path) -> String {
    job.file_name().unwrap().to_str().unwrap().to_string()
}

#[test]
fn an_operator_lists_renews_and_revokes() {
    let mut studio = studio("max_downloads: 3");
    studio.serve();
    studio.drop_file("status", "i.json", &paid("1042", &[1]));
    let job = studio.wait_jobs("done", 1).remove(0);
    let first = link(&studio, &job);
    let list = |studio: &Studio| studio.run(&["links", "list", "--json"]).expect(0).json();
    let listed = list(&studio);
    assert_eq!((&listed[0]["state"], &listed[0]["url"]), (&"open".into(), &first["url"]));
    assert_eq!(
        (&listed[0]["pictures"], &listed[0]["pictures_taken"], &listed[0]["pin"]),
        (&1.into(), &0.into(), &first["pin"])
    );
    let text = studio.run(&["links", "list"]).expect(0).out;
    assert!(text.contains("1042") && text.contains("nothing taken") && text.contains("PIN"), "{text}");

    // With the server, then without it.
    studio.run(&["links", "renew", "1042"]).expect(0);
    let second = link(&studio, &job);
    assert!(first["url"] != second["url"], "a renewed link has another address");
    assert_eq!(studio.run(&["links", "list", "--open", "--json"]).expect(0).json().as_array().unwrap().len(), 1);
    assert_eq!(studio.stop(), Some(0));
    studio.run(&["links", "renew", second["url"].as_str().unwrap()]).expect(0);
    let third = link(&studio, &job);
    let state_of = |studio: &Studio, url: &Value| {
        let hash = hotfolders::model::token::Token::of_url(url.as_str().unwrap()).unwrap().hash();
        list(studio).as_array().unwrap().iter().find(|link| link["id"] == hash).unwrap()["state"].clone()
    };
    assert_eq!(
        [state_of(&studio, &first["url"]), state_of(&studio, &second["url"]), state_of(&studio, &third["url"])],
        ["revoked", "revoked", "open"]
    );
    // By the address of long ago: the one that opens is renewed, and none is left beside it.
    studio.run(&["links", "renew", first["url"].as_str().unwrap()]).expect(0);
    assert_eq!(state_of(&studio, &third["url"]), "revoked");
    let third = link(&studio, &job);
    assert_eq!(state_of(&studio, &third["url"]), "open");
    let open = |studio: &Studio| -> Vec<Value> {
        studio.run(&["links", "list", "--open", "--json"]).expect(0).json().as_array().unwrap().clone()
    };
    assert_eq!(open(&studio).len(), 1);
    // Also where the folder of its job, and with it the journal, is gone.
    std::fs::rename(&job, studio.path("aside")).unwrap();
    studio.run(&["links", "renew", first["url"].as_str().unwrap()]).expect(0);
    let lonely = open(&studio);
    studio.run(&["links", "renew", first["url"].as_str().unwrap()]).expect(0);
    assert!(lonely.len() == 1 && open(&studio).len() == 1 && open(&studio) != lonely);
    std::fs::rename(studio.path("aside"), &job).unwrap();
    studio.run(&["links", "renew", "1042"]).expect(0);
    let third = link(&studio, &job);
    // Cut off before the one before was closed, and the new one closed by hand since: it stays closed.
    studio.run(&["links", "revoke", third["url"].as_str().unwrap()]).expect(0);
    let path = records(&studio).into_iter().find(|(_, record)| {
        record["renewed_as"] == hotfolders::model::token::Token::of_url(third["url"].as_str().unwrap()).unwrap().hash()
    });
    let (name, mut cut_off) = path.unwrap();
    for key in ["revoked", "renewed_as"] {
        cut_off.as_object_mut().unwrap().remove(key);
    }
    studio.write(&format!("spool/links/{name}"), cut_off.to_string().as_bytes());
    studio.run(&["links", "renew", name.trim_end_matches(".json")]).expect(0);
    assert_eq!((state_of(&studio, &third["url"]), open(&studio).len()), ("revoked".into(), 1));
    let third = link(&studio, &job);
    assert_eq!(state_of(&studio, &third["url"]), "open");
    studio.run(&["links", "revoke", &job_id(&job)]).expect(0);
    assert_eq!(state_of(&studio, &third["url"]), "revoked");
    let third = third["url"].as_str().unwrap();
    let refused = studio.run(&["links", "mail", third, "--to", "ada@example.org"]).expect(1);
    assert!(refused.err.contains("links renew"), "{}", refused.err);
    let refused = studio.run(&["links", "revoke", "no-such"]).expect(1);
    assert!(refused.err.contains("there is no link of `no-such`"), "{}", refused.err);
    // What lies behind them is still one folder, and a renewal opens it again.
    studio.run(&["links", "renew", "1042"]).expect(0);
    assert_eq!(state_of(&studio, &link(&studio, &job)["url"]), "open");
    studio.audit();
}

#[test]
fn what_ended_long_ago_goes_and_so_does_what_is_erased() {
    let mut studio = studio("pin: none");
    studio.serve();
    for record in ["1", "2", "3"] {
        studio.drop_file("status", &format!("{record}.json"), &paid(record, &[1]));
    }
    studio.wait_jobs("done", 3);
    studio.stop();
    let of = |wanted: &str| records(&studio).into_iter().find(|(_, record)| record["record"] == wanted).unwrap();
    let (name, mut old) = of("1");
    old["expires"] = "2020-01-01T00:00:00Z".into();
    studio.write(&format!("spool/links/{name}"), old.to_string().as_bytes());
    let hash = name.trim_end_matches(".json").to_string();
    // Whence it came is kept for a month, that it came longer.
    let (kept, _) = of("2");
    let log = kept.replace(".json", ".log");
    let counted = r#"{"entry":"counted","at":"2020-01-01T00:00:00Z","set":"all","grant":"g","from":"192.0.2.7"}"#;
    studio.write(&format!("spool/links/{log}"), format!("{counted}\n").as_bytes());
    studio.serve_with(&[("HOTFOLDERS_HOUSEKEEPING_MS", "10")]);
    studio.wait("the purge", || (!studio.path(&format!("spool/links/{hash}.json")).exists()).then_some(()));
    studio.wait("the log", || {
        let text = std::fs::read_to_string(studio.path(&format!("spool/links/{log}"))).unwrap();
        (!text.contains("192.0.2.7")).then_some(())
    });
    let listed = studio.run(&["links", "list", "2", "--json"]).expect(0).json();
    assert_eq!(listed[0]["downloads"], 1);
    let folders = |studio: &Studio| std::fs::read_dir(studio.path("downloads")).unwrap().count();
    assert_eq!(folders(&studio), 2);
    assert!(!PathBuf::from(old["folder"].as_str().unwrap()).exists());
    studio.run(&["erase", "--record", "3"]).expect(0);
    assert_eq!((folders(&studio), records(&studio).len()), (1, 1));
    studio.stop();
    studio.audit();
}
