//! Parse arguments, run, exit code; nothing else.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let args = hotfolders::cli::Args::parse();
    match hotfolders::cli::run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !error.text.is_empty() {
                // Nothing is left to tell when standard error is gone too.
                let _ = writeln!(std::io::stderr(), "{}", hotfolders::model::name::printable(error.text.trim_end()));
            }
            ExitCode::from(error.exit as u8)
        }
    }
}
