use super::*;
use crate::plan::lab;
use crate::spool::durable::trial::{self, Cut};

const TWO: &[(&str, &str)] = &[("r1", "a.jpg"), ("r2", "b.jpg")];

fn rendered() -> Bench {
    let bench = Bench::new();
    bench.render("r1", "one");
    bench.render("r2", "two");
    bench
}

fn prints(step: &mut DeliveryStep) -> &mut Vec<LabPrint> {
    &mut step.lab.as_mut().unwrap().prints
}

fn bytes(bench: &Bench, path: &str) -> Vec<u8> {
    std::fs::read(bench.path(&format!("out/{path}"))).unwrap()
}

fn crlf(lines: &[&str]) -> String {
    lines.iter().flat_map(|line| [*line, "\r\n"]).collect()
}

#[test]
fn a_noritsu_order_byte_for_byte() {
    let bench = rendered();
    let mut step = bench.to_lab(LabFormat::Noritsu, TWO);
    prints(&mut step)[1].back = vec![String::new(), "b".into()];
    prints(&mut step)[1].original = None;
    assert_eq!(bench.complete(&step), [""; 0]);
    assert_eq!(bench.files(), ["o1-7f3a_011/IMAGE/a.jpg", "o1-7f3a_011/IMAGE/b.jpg", "o1-7f3a_011/MISC/AUTPRINT.MRK"]);
    let vendor = ["VUQ RGN = BGN", "VUQ VNM = \"NORITSU KOKI\" -ATR \"QSSPrint\"", "VUQ VER = 01.00"];
    let head = [
        "[HDR]",
        "GEN REV = 01.00",
        "GEN CRT = \"hotfolders\" -01.00",
        "GEN DTM = 2026:11:20:15:04:05",
        "USR NAM = \"1 Ada Larson\"",
        "USR CID = \"4711\"",
    ];
    let size = ["PRT PSL = NML -PSIZE \"8x10\"", "PRT PCH = 011", "GEN INP = \"Other-M\"", "VUQ RGN = END", ""];
    let job = |pid, file| ["[JOB]", pid, "PRT TYP = STD", "PRT QTY = 002", "IMG FMT = EXIF2 -J", file];
    let one = ["PRT CVP1 = 1 -STR \"1 Larson\"", "PRT CVP2 = 0", "IMG ORG = \"S1001.jpg\"", "VUQ RGN = END", ""];
    let two = ["PRT CVP1 = 0", "PRT CVP2 = 1 -STR \"b\"", "VUQ RGN = END"];
    let parts: [&[&str]; 9] = [
        &head,
        &vendor,
        &size,
        &job("PRT PID = 001", "<IMG SRC = \"../IMAGE/a.jpg\">"),
        &vendor,
        &one,
        &job("PRT PID = 002", "<IMG SRC = \"../IMAGE/b.jpg\">"),
        &vendor,
        &two,
    ];
    assert_eq!(bench.tree()["o1-7f3a_011/MISC/AUTPRINT.MRK"], crlf(&parts.concat()));
    let standing = bench.standing(&step);
    assert_eq!((standing.len(), standing[0].shown.as_str()), (1, "out/o1-7f3a_011"));
    let journal = bench.journal();
    assert_eq!(where_is(&step, journal.progress(), 1).unwrap(), "out/o1-7f3a_011/IMAGE/b.jpg");
}

#[test]
fn a_noritsu_order_has_one_size_and_three_digits() {
    let bench = rendered();
    let mut step = bench.to_lab(LabFormat::Noritsu, TWO);
    let Delivery::Lab { image_folder, .. } = &mut step.delivery else { unreachable!() };
    *image_folder = Some(String::new());
    prints(&mut step)[0].quantity = 2500;
    prints(&mut step)[1].channel = Some(7);
    prints(&mut step)[1].size = Dimensions::parse("10x15cm").unwrap();
    bench.complete(&step);
    assert_eq!(
        bench.files(),
        ["o1-7f3a_007/MISC/AUTPRINT.MRK", "o1-7f3a_007/b.jpg", "o1-7f3a_011/MISC/AUTPRINT.MRK", "o1-7f3a_011/a.jpg"]
    );
    let text = &bench.tree()["o1-7f3a_011/MISC/AUTPRINT.MRK"];
    let quantities: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("PRT QTY = ")).collect();
    assert_eq!(quantities, ["999", "999", "502"]);
    assert_eq!(text.matches("<IMG SRC = \"../a.jpg\">").count(), 3);
    assert!(bench.tree()["o1-7f3a_007/MISC/AUTPRINT.MRK"].contains("-PSIZE \"10x15\"\r\nPRT PCH = 007\r\n"));
}

#[test]
fn more_than_a_thousand_pictures_are_several_orders() {
    let bench = Bench::new();
    let names: Vec<(String, String)> = (1..=2000).map(|n| (format!("r{n}"), format!("{n}.jpg"))).collect();
    let members: Vec<(&str, &str)> = names.iter().map(|(step, name)| (step.as_str(), name.as_str())).collect();
    let step = bench.to_lab(LabFormat::Noritsu, &members);
    let orders = lab::orders(&step);
    let told: Vec<_> = orders.iter().map(|order| (order.name.as_str(), order.entries.len(), order.copies())).collect();
    assert_eq!(told, [("1-7f3a_011", 999, 1998), ("1-7f3a_011-2", 999, 1998), ("1-7f3a_011-3", 2, 4)]);
}

#[test]
fn a_fuji_order_byte_for_byte() {
    let bench = rendered();
    let mut step = bench.to_lab(LabFormat::FujiC8, TWO);
    prints(&mut step)[0].back = vec!["Müller".into()];
    prints(&mut step)[1].size = Dimensions::parse("4x6in").unwrap();
    prints(&mut step)[1].quantity = 1200;
    bench.complete(&step);
    assert_eq!(bench.files(), ["1-7f3a/a.jpg", "1-7f3a/b.jpg", "1-7f3a/condition.txt", "1-7f3a/end.txt"]);
    let expected = crlf(&[
        "[OutDevice]",
        "DeviceName=PICsRGB",
        "[ImageList]",
        "ImageCnt=2",
        "1=a.jpg",
        "2=b.jpg",
        "[a.jpg]",
        "SizeName=254X203",
        "PrintCnt=2",
        "BackPrint=FREE",
        "BackPrintLine1=M?ller",
        "BackPrintLine2=",
        "Resize=FILLIN",
        "DSC_Chk=FALSE",
        "[b.jpg]",
        "SizeName=152X102",
        "PrintCnt=1200",
        "BackPrint=FREE",
        "BackPrintLine1=1 Larson",
        "BackPrintLine2=",
        "Resize=FILLIN",
        "DSC_Chk=FALSE",
    ]);
    let mut expected = expected.into_bytes();
    // One byte in Latin-1.
    let umlaut = expected.iter().position(|b| *b == b'?').unwrap();
    expected[umlaut] = 0xfc;
    assert_eq!(bytes(&bench, "1-7f3a/condition.txt"), expected);
    assert_eq!(bytes(&bench, "1-7f3a/end.txt"), b"");
    let journal = bench.journal();
    assert_eq!(where_is(&step, journal.progress(), 0).unwrap(), "out/1-7f3a/a.jpg");
}

#[test]
fn a_list_byte_for_byte_beside_foreign_pictures() {
    let bench = rendered();
    bench.put("out/b.jpg", "foreign");
    let mut step = bench.to_lab(LabFormat::Csv, TWO);
    step.lab.as_mut().unwrap().client_last = Some("O\"Neill, Müller\nx".into());
    prints(&mut step)[1].back = vec!["=1; 日本".into()];
    prints(&mut step)[1].paper = None;
    bench.complete(&step);
    assert_eq!(bench.files(), ["1-7f3a.csv", "a.jpg", "b.jpg", "b_2.jpg"]);
    let expected = crlf(&[
        "job,record,line,item,size,paper,channel,quantity,file,client_last,back_print_1,back_print_2",
        "J1,1,1,8X10,8x10in,lustre,11,2,a.jpg,\"O\"\"Neill, Müller x\",1 Larson,",
        "J1,1,2,8X10,8x10in,,11,2,b_2.jpg,\"O\"\"Neill, Müller x\",\"=1; 日本\",",
    ]);
    assert_eq!(bytes(&bench, "1-7f3a.csv"), expected.as_bytes());
    let journal = bench.journal();
    assert_eq!(where_is(&step, journal.progress(), 1).unwrap(), "out/b_2.jpg");
}

/// No name is used while anything of an order with it stands.
#[test]
fn an_order_gets_a_name_of_its_own() {
    for state in ["p", "o", "e", "q", "E"] {
        let bench = rendered();
        bench.put(&format!("out/{state}1-7F3A_011/x"), "another order");
        bench.complete(&bench.to_lab(LabFormat::Noritsu, TWO));
        let made = "o1-7f3a_011_2/MISC/AUTPRINT.MRK";
        assert!(bench.files().iter().any(|file| file == made), "{state}: {:?}", bench.files());
    }
}

/// The second folder of a channel and one that makes way for another order are two names.
#[test]
fn an_order_that_makes_way_does_not_take_the_name_of_the_next() {
    let bench = rendered();
    bench.put("out/e1-7f3a_011/x", "another order");
    let mut step = bench.to_lab(LabFormat::Noritsu, TWO);
    prints(&mut step)[1].size = Dimensions::parse("4x6in").unwrap();
    bench.complete(&step);
    let orders: Vec<String> = bench.files().into_iter().filter(|file| file.ends_with("MRK")).collect();
    assert_eq!(orders, ["o1-7f3a_011-2/MISC/AUTPRINT.MRK", "o1-7f3a_011_2/MISC/AUTPRINT.MRK"]);
}

#[test]
fn nothing_is_shown_before_all_is_rendered() {
    for format in [LabFormat::Noritsu, LabFormat::FujiC8, LabFormat::Csv] {
        let bench = Bench::new();
        bench.render("r1", "one");
        let step = bench.to_lab(format, TWO);
        assert!(!bench.run(&step).unwrap().complete && bench.tree().is_empty());
    }
}

/// Up to the moment in which the order has left, and the journal does not know yet.
fn cut_off_after_the_hand_over(bench: &Bench, step: &DeliveryStep, handed: &str) {
    for at in 0.. {
        let mut journal = bench.journal();
        trial::begin(Some(Cut::From(at)));
        let _ = bench.run_with(step, &mut journal);
        trial::begin(None);
        if bench.path(handed).exists() {
            return;
        }
        durable::remove_tree(&bench.path("out")).unwrap();
        durable::make_folder(&bench.path("out")).unwrap();
        durable::remove_file(&bench.path("journal.jsonl")).unwrap();
        bench.render("r1", "one");
        bench.render("r2", "two");
    }
}

/// The lab's software is quick: what it has taken before the server is up again is not handed over a second time.
#[test]
fn an_order_that_left_is_not_made_again_whatever_became_of_it() {
    for (format, handed, became) in [
        (LabFormat::Noritsu, "o1-7f3a_011", Some("e1-7f3a_011")),
        (LabFormat::Noritsu, "o1-7f3a_011", Some("q1-7f3a_011")),
        (LabFormat::Noritsu, "o1-7f3a_011", None),
        (LabFormat::FujiC8, "1-7f3a/end.txt", None),
        (LabFormat::Csv, "1-7f3a.csv", None),
    ] {
        let bench = rendered();
        let step = bench.to_lab(format, TWO);
        cut_off_after_the_hand_over(&bench, &step, &format!("out/{handed}"));
        let order = handed.split('/').next().unwrap();
        let order = bench.path(&format!("out/{order}"));
        match became {
            Some(name) => durable::move_new(&order, &bench.path(&format!("out/{name}"))).unwrap(),
            None if order.is_dir() => durable::remove_tree(&order).unwrap(),
            None => durable::remove_file(&order).unwrap(),
        }
        let warnings = bench.complete(&step);
        let orders = |file: &&String| file.contains("MRK") || file.contains("csv") || file.contains("end.txt");
        let files = bench.files();
        assert_eq!(files.iter().filter(orders).count(), usize::from(became.is_some()), "{format}: {files:?}");
        assert_eq!(warnings.len(), usize::from(became.is_none()), "{warnings:?}");
        assert!(warnings.iter().all(|text| text.contains("look in the lab's software")), "{warnings:?}");
    }
}

/// Cancelled at any point and made after all: one order, whole.
#[test]
fn a_job_that_was_cancelled_and_is_tried_again_hands_over_once() {
    for format in [LabFormat::Noritsu, LabFormat::FujiC8, LabFormat::Csv] {
        let bench = rendered();
        let step = bench.to_lab(format, TWO);
        bench.complete(&step);
        let golden = bench.tree();
        for at in 0.. {
            let bench = rendered();
            let mut journal = bench.journal();
            trial::begin(Some(Cut::From(at)));
            let complete = bench.run_with(&step_of(&bench, format), &mut journal).is_ok_and(|d| d.complete);
            trial::begin(None);
            let step = step_of(&bench, format);
            bench.clean(&step).unwrap();
            bench.complete(&step);
            assert_eq!(bench.tree(), golden, "{format}, point {at}");
            if complete {
                break;
            }
        }
    }
}

fn step_of(bench: &Bench, format: LabFormat) -> DeliveryStep {
    bench.to_lab(format, TWO)
}

mod grammar {
    //! Whatever a manifest says, an order reads back as what was meant.

    use proptest::prelude::*;

    use super::*;

    /// As lenient as machines are: spaces around `=` or not, keys in any order.
    fn read_jobs(text: &str) -> Vec<BTreeMap<String, String>> {
        let mut sections = Vec::new();
        for line in text.split("\r\n").map(str::trim).filter(|line| !line.is_empty()) {
            if line.starts_with('[') {
                sections.push(BTreeMap::new());
                continue;
            }
            let (key, value) = line.trim_start_matches('<').trim_end_matches('>').split_once('=').unwrap();
            let key = key.trim().to_string();
            assert!(
                ["GEN", "USR", "VUQ", "PRT", "IMG"].iter().any(|group| key.starts_with(group)) && key.len() <= 8,
                "{line}"
            );
            sections.last_mut().unwrap().insert(key, value.trim().to_string());
        }
        sections
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn no_client_breaks_an_order(
            client in "(\\PC|[\r\n\"<>\\[\\]=;,]){0,40}",
            back in "[ -~]{0,40}",
            quantity in 1..9_999_u32,
        ) {
            let legal: String = back.trim().replace(['"', '<', '>', '[', ']'], "'");
            for format in [LabFormat::Noritsu, LabFormat::FujiC8, LabFormat::Csv] {
                let bench = rendered();
                let mut step = bench.to_lab(format, TWO);
                step.lab.as_mut().unwrap().client = Some(client.clone());
                step.lab.as_mut().unwrap().client_last = Some(client.clone());
                prints(&mut step)[0].original = Some(client.clone());
                prints(&mut step)[0].back = vec![legal.clone()];
                prints(&mut step)[0].quantity = quantity;
                bench.complete(&step);
                match format {
                    LabFormat::Noritsu => {
                        let text = String::from_utf8(bytes(&bench, "o1-7f3a_011/MISC/AUTPRINT.MRK")).unwrap();
                        prop_assert!(text.is_ascii());
                        let sections = read_jobs(&text);
                        let (head, jobs) = sections.split_first().unwrap();
                        prop_assert_eq!(&head["PRT PCH"], "011");
                        let copies: u32 = jobs.iter().filter(|job| job["IMG SRC"] == "\"../IMAGE/a.jpg\"")
                            .map(|job| job["PRT QTY"].parse::<u32>().unwrap()).sum();
                        prop_assert_eq!(copies, quantity);
                        let expected = if legal.is_empty() { "0".into() } else { format!("1 -STR \"{legal}\"") };
                        prop_assert_eq!(&jobs[0]["PRT CVP1"], &expected);
                        prop_assert!(!text.contains("-STR \"\""));
                    }
                    LabFormat::FujiC8 => {
                        let text = bytes(&bench, "1-7f3a/condition.txt");
                        let text: String = text.into_iter().map(char::from).collect();
                        let lines: Vec<&str> = text.split("\r\n").collect();
                        prop_assert_eq!(lines.len(), 6 + 2 * 8 + 1);
                        prop_assert_eq!(lines.iter().filter(|line| line.starts_with('[')).count(), 4);
                        let count = format!("PrintCnt={quantity}");
                        prop_assert!(lines.contains(&count.as_str()));
                    }
                    LabFormat::Csv => {
                        let text = bytes(&bench, "1-7f3a.csv");
                        let rows = read_csv(std::str::from_utf8(&text).unwrap());
                        prop_assert_eq!(rows.len(), 3);
                        prop_assert!(rows.iter().all(|row| row.len() == 12), "{:?}", rows);
                        prop_assert_eq!(&rows[1][7], &quantity.to_string());
                        prop_assert_eq!(&rows[1][10], &legal);
                    }
                }
            }
        }
    }

    fn read_csv(text: &str) -> Vec<Vec<String>> {
        let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '"' if quoted && chars.peek() == Some(&'"') => {
                    chars.next();
                    field.push('"');
                }
                '"' => quoted = !quoted,
                ',' if !quoted => row.push(std::mem::take(&mut field)),
                '\r' if !quoted => {}
                '\n' if !quoted => {
                    row.push(std::mem::take(&mut field));
                    rows.push(std::mem::take(&mut row));
                }
                c => field.push(c),
            }
        }
        assert!(row.is_empty() && field.is_empty() && !quoted);
        rows
    }
}
