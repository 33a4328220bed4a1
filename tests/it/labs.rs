//! Orders to outside labs: handed over once, and watched until the lab has them.

use std::path::PathBuf;

use serde_json::Value;

use super::studio::{CONFIG, Studio, files, invoice};

/// Where a profile of [`CONFIG`] delivers.
const FOLDER: &str = "{ to: folder, path: \"print/{record}\", trigger: \"{record}.done\" }";
const NORITSU: &str = "{ to: lab, format: noritsu, path: lab, accepted_within: 2s, back_print: [\"{record} {stem}\"], \
                       channels: [ { size: 8x10in, paper: lustre*, channel: 11 }, { size: 8x10in, channel: 12 }, { size: 5x7in, channel: 7 } ] }";

fn studio(delivery: &str) -> Studio {
    let config = CONFIG.replace(FOLDER, delivery);
    assert_ne!(config, CONFIG);
    let studio = Studio::bare(&config);
    for number in 1..=3 {
        studio.picture(&format!("sessions/S1/Hi-Res/S1{number:03}.jpg"), 90, 60);
    }
    studio
}

/// Three prints: two of 8x10, one of them on lustre, and one of 5x7.
fn order(record: &str) -> String {
    let text = invoice(record, &[1, 2, 3]);
    let text = text.replacen("\"line\":2", "\"paper\":\"Lustre Pro\",\"line\":2", 1);
    text.replacen("\"line\":3", "\"size\":\"7x5in\",\"line\":3", 1)
}

fn orders(studio: &Studio) -> Vec<String> {
    let entries = std::fs::read_dir(studio.path("lab")).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn labs(studio: &Studio) -> Vec<Value> {
    studio.run(&["status", "--json"]).expect(0).json()["labs"].as_array().unwrap().clone()
}

/// What is planned for the only line of an order.
fn planned(studio: &Studio, line: &str) -> String {
    let text = invoice("9", &[1]).replacen("\"line\":1", &format!("\"line\":1,{line}"), 1);
    studio.write("i.json", text.as_bytes());
    studio.run(&["plan", "i.json"]).expect(0).out
}

/// Waits until the only order with this beginning is in a state.
fn wait_state(studio: &Studio, end: &str, state: &str) -> Value {
    studio.wait(&format!("{end} to be {state}"), || {
        labs(studio).into_iter().find(|lab| lab["name"].as_str().unwrap().ends_with(end) && lab["state"] == state)
    })
}

fn became(studio: &Studio, end: &str, state: &str) -> PathBuf {
    let name = orders(studio).into_iter().find(|name| name.ends_with(end)).unwrap();
    let to = studio.path(&format!("lab/{state}{}", &name[1..]));
    std::fs::rename(studio.path("lab").join(name), &to).unwrap();
    to
}

#[test]
fn an_order_is_handed_over_and_watched() {
    let mut studio = studio(NORITSU);
    // Nobody listens there: what is to be told stays in the book.
    let config = std::fs::read_to_string(studio.path("hotfolders.yaml")).unwrap();
    studio.write("hotfolders.yaml", (config + "alerts: { webhook: \"http://127.0.0.1:9/\" }\n").as_bytes());
    studio.serve_with(&[("HOTFOLDERS_ALERT_MS", "50")]);
    studio.drop_file("status", "i.json", &order("9"));
    let job = studio.wait_jobs("done", 1).remove(0);
    let made = orders(&studio);
    let ends: Vec<&str> = made.iter().map(|name| &name[name.len() - 4..]).collect();
    assert!(made.iter().all(|name| name.starts_with("o9-")), "{made:?}");
    assert_eq!(ends, ["_007", "_011", "_012"]);
    assert_eq!(files(&studio.path("lab").join(&made[1])), ["IMAGE/9_02_8x10in.jpg", "MISC/AUTPRINT.MRK"]);
    let text = std::fs::read_to_string(studio.path("lab").join(&made[1]).join("MISC/AUTPRINT.MRK")).unwrap();
    assert!(text.contains("PRT PCH = 011\r\n") && text.contains("PRT CVP1 = 1 -STR \"9 S1002\"\r\n"), "{text}");
    let receipt = studio.receipt(&job);
    let told = &receipt["deliveries"][0]["orders"];
    assert_eq!((told.as_array().unwrap().len(), &told[0]["state"]), (3, &"sent".into()));
    assert!(receipt["outputs"][0]["path"].as_str().unwrap().ends_with("_012/IMAGE/9_01_8x10in.jpg"), "{receipt}");
    studio.audit();

    // The machine takes one, rejects one, and is silent about the third.
    became(&studio, "_011", "e");
    let rejected = became(&studio, "_012", "q");
    std::fs::write(rejected.join("error.err"), "no such paper").unwrap();
    wait_state(&studio, "_011", "accepted");
    let trouble = wait_state(&studio, "_012", "rejected")["trouble"].as_str().unwrap().to_string();
    assert!(trouble.contains("has rejected") && trouble.contains("no such paper"), "{trouble}");
    studio.wait("an order that is late", || labs(&studio).iter().any(|lab| lab["late"] == true).then_some(()));
    let open = |what: &str| {
        let book = std::fs::read_to_string(studio.path("spool/alerts.json")).unwrap_or_default();
        let book: Value = serde_json::from_str(&book).unwrap_or_default();
        let causes = book["open"].as_object().map(|open| open.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
        causes.iter().any(|cause| cause.starts_with("lab ") && cause.ends_with(what)).then_some(())
    };
    for what in ["rejected", "late"] {
        studio.wait(&format!("an alert of what is {what}"), || open(what));
    }
    // Both are told, also by a command without a server.
    studio.stop();
    let shown = studio.run(&["status"]).expect(0).out;
    assert!(shown.contains("has rejected") && shown.contains("has not accepted"), "{shown}");
    let log = studio.bytes_below("logs").into_values().next().unwrap();
    let log = String::from_utf8_lossy(&log).into_owned();
    assert!(log.contains("has rejected") && log.contains("has not accepted"), "{log}");

    // Somebody sees to them: one is submitted again and taken, the other one taken away.
    std::fs::remove_file(rejected.join("error.err")).unwrap();
    became(&studio, "_012", "o");
    std::fs::remove_dir_all(studio.path("lab").join(&made[0])).unwrap();
    studio.serve();
    wait_state(&studio, "_012", "sent");
    wait_state(&studio, "_007", "taken");
    became(&studio, "_012", "e");
    wait_state(&studio, "_012", "accepted");
    assert!(labs(&studio).iter().all(|lab| lab["trouble"].is_null()));
    studio.stop();
    let erased = studio.run(&["erase", "--record", "9"]).expect(0);
    assert!(labs(&studio).is_empty() && orders(&studio).len() == 2, "{}", erased.out);
}

#[test]
fn a_print_that_no_channel_takes_is_asked_about_before_anything_is_made() {
    let mut studio = studio(NORITSU);
    let text = order("9").replace("\"size\":\"7x5in\"", "\"size\":\"4x6in\",\"paper\":\"matte\"");
    studio.write("i.json", text.as_bytes());
    let told = studio.run(&["plan", "i.json"]).expect(0).out;
    assert!(told.contains("line 3") && told.contains("4x6in on `matte` paper has no channel"), "{told}");
    studio.serve();
    studio.drop_file("status", "i.json", &text);
    let job = studio.wait_jobs("held", 1).remove(0);
    let questions = std::fs::read_to_string(job.join("questions.json")).unwrap();
    assert!(questions.contains("line 3") && questions.contains("4x6in on `matte` paper has no channel"), "{questions}");
    assert!(orders(&studio).is_empty() && !job.join("outputs").exists());

    // As the question says: mended, cancelled, tried again.
    let config = std::fs::read_to_string(studio.path("hotfolders.yaml")).unwrap();
    let config =
        config.replace("{ size: 5x7in, channel: 7 }", "{ size: 5x7in, channel: 7 }, { size: 4x6in, channel: 4 }");
    studio.write("hotfolders.yaml", config.as_bytes());
    studio.stop();
    studio.serve();
    studio.wait("the server", || studio.is_served().then_some(()));
    let id = job.file_name().unwrap().to_str().unwrap().to_string();
    studio.run(&["jobs", "cancel", &id]).expect(0);
    studio.wait_jobs("done", 1);
    studio.run(&["jobs", "retry", &id]).expect(0);
    studio.wait("three orders", || (orders(&studio).len() == 3).then_some(()));
    studio.wait_jobs("done", 1);
    studio.stop();
    studio.audit();
}

#[test]
fn a_corrected_order_sends_what_changed_and_a_reprint_has_a_name_of_its_own() {
    let mut studio = studio(NORITSU);
    studio.write("i.json", order("9").as_bytes());
    let told = studio.run(&["plan", "i.json"]).expect(0).out;
    assert!(told.contains("order 9_011, channel 11: 1 print") && told.contains("on the back: 9 S1002"), "{told}");
    studio.serve();
    studio.drop_file("status", "a.json", &order("9"));
    studio.wait_jobs("done", 1);
    let first = orders(&studio);
    // The same once more is nothing; another quantity of one line is asked about.
    studio.drop_file("status", "b.json", &order("9"));
    studio.wait_jobs("done", 2);
    assert_eq!(orders(&studio), first);
    studio.drop_file("status", "c.json", &order("9").replacen("\"quantity\":1", "\"quantity\":4", 1));
    let held = studio.wait_jobs("held", 1).remove(0);
    studio.run(&["jobs", "release", held.file_name().unwrap().to_str().unwrap()]).expect(0);
    studio.wait_jobs("done", 3);
    let both = orders(&studio);
    let new: Vec<&String> = both.iter().filter(|name| !first.contains(name)).collect();
    assert!(first.iter().all(|name| both.contains(name)) && new.len() == 1 && new[0].ends_with("_012"), "{both:?}");
    let text = std::fs::read_to_string(studio.path("lab").join(new[0]).join("MISC/AUTPRINT.MRK")).unwrap();
    assert!(text.contains("PRT QTY = 004") && text.matches("[JOB]").count() == 1, "{text}");
    // On purpose, and all of it.
    studio.drop_file("status", "d.json", &order("9").replacen('{', "{\"action\":\"reprint\",", 1));
    studio.wait_jobs("done", 4);
    let reprinted: Vec<String> = orders(&studio).into_iter().filter(|name| name.contains("-r1_")).collect();
    assert_eq!(reprinted.len(), 3, "{reprinted:?}");
    studio.stop();
    studio.audit();
}

#[test]
fn other_formats_are_handed_over_whole() {
    let both = "{ to: lab, format: fuji_c8, path: lab/fuji, device: PICsRGB }, { to: lab, format: csv, path: lab/list, names: short }";
    let mut studio = studio(both);
    studio.serve();
    studio.drop_file("status", "i.json", &order("9"));
    studio.wait_jobs("done", 1);
    let fuji = files(&studio.path("lab/fuji"));
    assert_eq!(fuji.len(), 5, "{fuji:?}");
    let text = std::fs::read_to_string(studio.path("lab/fuji").join(fuji.iter().find(|f| f.contains("cond")).unwrap()));
    let text = text.unwrap();
    assert!(text.contains("ImageCnt=3\r\n") && text.contains("SizeName=178X127\r\n"), "{text}");
    let list = files(&studio.path("lab/list"));
    assert_eq!(
        (&list[..3], list[3].ends_with(".csv")),
        (&["0001.jpg", "0002.jpg", "0003.jpg"].map(String::from)[..], true)
    );
    let rows = std::fs::read_to_string(studio.path("lab/list").join(&list[3])).unwrap();
    assert!(rows.contains(",9,2,8X10,8x10in,Lustre Pro,,1,0002.jpg,,,"), "{rows}");
    assert_eq!(labs(&studio).len(), 2);
    studio.stop();
    studio.audit();
}

#[test]
fn an_order_names_what_its_picture_measures() {
    let studio = studio(NORITSU);
    let config = std::fs::read_to_string(studio.path("hotfolders.yaml")).unwrap();
    let layouts = "layouts: { duo: { sheet: 8x10in, grid: { columns: 1, rows: 2, opening: 7x5in } } }\n";
    studio.write("hotfolders.yaml", (config.clone() + layouts).as_bytes());
    let sheet = planned(&studio, "\"layout\":\"duo\",\"unit\":\"sheet\",\"size\":\"5x7in\"");
    assert!(sheet.contains("channel 12: 1 print") && sheet.contains(".jpg 1 of 8x10in"), "{sheet}");

    // A profile with a size of its own makes that one, whatever was ordered.
    let fixed = config.replace("size: ordered", "size: 8x10in");
    assert_ne!(fixed, config);
    studio.write("hotfolders.yaml", fixed.as_bytes());
    let picture = planned(&studio, "\"size\":\"5x7in\"");
    assert!(picture.contains("channel 12: 1 print") && picture.contains(".jpg 1 of 8x10in"), "{picture}");
    // One that only says how large the file is makes what was ordered.
    studio.write("hotfolders.yaml", config.replace("size: ordered", "size: 300px").as_bytes());
    let file = planned(&studio, "\"size\":\"5x7in\"");
    assert!(file.contains("channel 7: 1 print") && file.contains(".jpg 1 of 5x7in"), "{file}");
}
