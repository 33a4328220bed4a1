//! Trying printers by hand: `check` and `printers test`.

use hotfolders::model::digest::sha256;

use super::super::fake_printer::{Behaviour, FakePrinter};
use super::super::http::free_address;
use super::studio;

const DELIVER: &str = "    deliver: [ { to: print, printer: lustre } ]\n";

#[test]
fn a_test_sheet_is_drawn_for_its_printer_and_sent_there() {
    let printer = FakePrinter::start();
    let printers = format!(
        "printers:\n  lustre: {{ uri: \"{}\", overspray: 1mm, media: {{ 4x6in: {{ across: 6in }}, 5x7in: {{}} }} }}\n",
        printer.uri()
    );
    let studio = studio(DELIVER, &printers);
    let said = studio.run(&["printers", "test", "lustre", "--media", "7x5in"]).expect(0).out;
    assert!(said.contains("lustre: sent, job 1") && said.ends_with("lustre: printed\n"), "{said}");
    studio.run(&["printers", "test", "lustre"]).expect(0);
    let jobs = printer.jobs();
    let size = |jpeg: &[u8]| {
        let header = turbojpeg::read_header(jpeg).unwrap();
        (header.width, header.height)
    };
    let sent: Vec<_> = jobs.iter().map(|job| (job.media.unwrap(), size(job.document.as_ref().unwrap()))).collect();
    assert_eq!(sent, [((12700, 17780), (1524, 2124)), ((10160, 15240), (1824, 1224))], "the second is turned");
    assert_eq!(printer.prints()[1].digest, sha256(jobs[1].document.as_ref().unwrap()));

    let unknown = studio.run(&["printers", "test", "lustr"]).expect(2).err;
    assert!(unknown.contains("there is no printer `lustr`; did you mean `lustre`"), "{unknown}");
    let size = studio.run(&["printers", "test", "lustre", "--media", "8x10in"]).expect(2).err;
    assert!(size.contains("`lustre` takes no 8x10in; its `media` are"), "{size}");
    printer.run_out_of_paper();
    let empty = studio.run(&["printers", "test", "lustre"]).expect(1).err;
    assert!(empty.contains("lustre: out of paper"), "{empty}");
    assert_eq!(printer.prints().len(), 2);
}

#[test]
fn a_test_sheet_goes_into_folders_and_through_programs_too() {
    let printers = "printers:\n  dye: { folder: dnp, sub_folder: \"{size}\", media: [4x6in] }\n  \
                    lustre: { command: [\"/bin/cp\", \"{file}\", \"printed-{media}-{copies}.jpg\"], media: [5x7in] }\n";
    let studio = studio(DELIVER, printers);
    let missing = studio.run(&["printers", "test", "dye"]).expect(1).err;
    assert!(missing.contains("4x6in cannot be read"), "{missing}");
    std::fs::create_dir_all(studio.path("dnp/4x6in")).unwrap();
    studio.run(&["printers", "test", "dye"]).expect(0);
    studio.run(&["printers", "test", "lustre"]).expect(0);
    let made: Vec<String> =
        studio.tree().into_iter().filter(|f| f.ends_with(".jpg") && !f.contains("Hi-Res")).collect();
    let [dye, lustre] = made.as_slice() else { panic!("{made:?}") };
    assert!(dye.starts_with("dnp/4x6in/test-dye-") && dye.ends_with("_c01.jpg"), "{made:?}");
    assert_eq!(lustre, "printed-5x7in-1.jpg");
    assert_eq!(studio.tree().iter().filter(|file| file.contains(".part")).count(), 0);
}

#[test]
fn check_tries_each_printer_and_says_what_is_wrong() {
    let fine = FakePrinter::start();
    let small = FakePrinter::start_as(Behaviour { media: vec![(10160, 15240)], ..Behaviour::default() }, None);
    let nobody = free_address();
    let printers = format!(
        "printers:\n  lustre: {{ uri: \"{}\", media: [8x10in] }}\n  small: {{ uri: \"{}\", media: [4x6in, 8x10in] }}\n  \
         off: {{ uri: \"ipp://{nobody}/ipp/print\", media: [8x10in] }}\n  dye: {{ folder: dnp, sub_folder: \"{{size}}\", \
         media: [4x6in] }}\n  epson: {{ command: [\"tools/print\", \"{{file}}\"], media: [4x6in] }}\n",
        fine.uri(),
        small.uri()
    );
    let studio = studio(DELIVER, &printers);
    std::fs::create_dir_all(studio.path("dnp")).unwrap();
    fine.run_out_of_paper();
    let told = studio.run(&["check"]).expect(1);
    let line = |name: &str| {
        let start = format!("printer {name} (");
        told.out
            .lines()
            .find(|line| line.contains(&start))
            .unwrap_or_else(|| panic!("{name}: {}", told.out))
            .to_string()
    };
    assert!(line("lustre").starts_with("ok ") && line("lustre").contains("for now: out of paper"), "{}", told.out);
    assert!(line("small").contains("it takes no 8x10in; it takes 4x6in"), "{}", told.out);
    assert!(line("off").contains("nobody listens there"), "{}", told.out);
    assert!(line("dye").contains("4x6in: it does not exist"), "{}", told.out);
    assert!(line("epson").starts_with("FAIL"), "{}", told.out);
    assert_eq!((fine.prints().len(), fine.jobs().len()), (0, 0));
}
