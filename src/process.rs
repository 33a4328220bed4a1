//! A program of the studio's own, run to its end or to the end of its time.
//!
//! Owns: no shell reads what a program is given; what it says is bounded; whatever it started ends with it when its time
//! is up.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How much of what a program says is kept: its end.
const SAID_MAX_BYTES: usize = 8 * 1024;
/// Most of its last line that is quoted, in characters.
const LINE_MAX_CHARS: usize = 200;
/// How often it is looked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long its output is waited for after it has ended: a program of its own may hold it open.
const OUTPUT_WITHIN: Duration = Duration::from_secs(1);

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// It ended by itself, with 0.
    pub fine: bool,
    /// It never began.
    pub unstarted: bool,
    /// What it said; what went wrong, in one line.
    pub text: String,
    /// All that one said that went wrong, where that is more than `text` has.
    pub said: Option<String>,
}

impl Ended {
    fn badly(text: String) -> Ended {
        Ended { fine: false, unstarted: false, text, said: None }
    }

    fn saying(self, said: String) -> Ended {
        let is_more = in_a_line(&said) != said;
        Ended { said: is_more.then_some(said), ..self }
    }

    /// What went wrong, and all that was said.
    pub fn in_full(&self) -> String {
        self.said.as_ref().map_or_else(|| self.text.clone(), |said| format!("{}\nAll that it said:\n{said}", self.text))
    }
}

/// Starts a program and waits for its end. `key` is where the config names it.
pub fn run(mut command: Command, timeout: Duration, key: &str) -> Ended {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        // What it starts ends with it when its time is up; and Ctrl-C is not for it.
        command.process_group(0);
    }
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(e) => {
            let text = format!("it cannot be started: {e}; see `{key}` in the config");
            return Ended { fine: false, unstarted: true, text, said: None };
        }
    };
    let outputs = [listen(child.stdout.take()), listen(child.stderr.take())];
    let status = wait(&mut child, timeout);
    let said: Vec<String> =
        outputs.into_iter().map(|output| output.recv_timeout(OUTPUT_WITHIN).unwrap_or_default()).collect();
    let said = said.join("\n").trim().to_string();
    let quoted = if said.is_empty() { "it said nothing".to_string() } else { format!("it said: {}", in_a_line(&said)) };
    match status {
        Some(Ok(status)) if status.success() => Ended { fine: true, unstarted: false, text: said, said: None },
        Some(Ok(status)) => Ended::badly(format!("it ended with {status}; {quoted}")).saying(said),
        Some(Err(e)) => Ended::badly(format!("it cannot be waited for: {e}")),
        None => {
            let text = format!("it did not end within {} s, and was stopped; {quoted}", timeout.as_secs());
            Ended::badly(text).saying(said)
        }
    }
}

/// The last line of what a program said, which mostly says what went wrong: it stands in lists and mails.
fn in_a_line(said: &str) -> String {
    let mut lines = said.lines().map(|line| line.replace(char::is_control, " ").trim().to_string());
    let mut last = lines.rfind(|line| !line.is_empty()).unwrap_or_default();
    if let Some((cut, _)) = last.char_indices().nth(LINE_MAX_CHARS) {
        last.truncate(cut);
        last.push_str(" …");
    }
    last
}

/// `None` when its time was up.
fn wait(child: &mut Child, timeout: Duration) -> Option<std::io::Result<ExitStatus>> {
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(Ok(status)),
            Ok(None) if begun.elapsed() < timeout => std::thread::sleep(LOOK_EVERY),
            Ok(None) => {
                stop(child);
                return None;
            }
            Err(e) => return Some(Err(e)),
        }
    }
}

fn stop(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // One that has just ended needs no signal.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Reads to the end, so that the program never waits for us; hands on the last of it.
fn listen(from: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    let read = move || {
        let (mut last, mut buffer) = (Vec::new(), [0; 4096]);
        let mut from = from;
        while let Some(Ok(read @ 1..)) = from.as_mut().map(|from| from.read(&mut buffer)) {
            last.extend_from_slice(&buffer[..read]);
            if last.len() > 2 * SAID_MAX_BYTES {
                last.drain(..last.len() - SAID_MAX_BYTES);
            }
        }
        let start = last.len().saturating_sub(SAID_MAX_BYTES);
        let _ = sender.send(String::from_utf8_lossy(&last[start..]).into_owned());
    };
    // Without a thread what it says is lost, and nothing else.
    let _ = std::thread::Builder::new().name("command".into()).spawn(read);
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Ended {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        run(command, Duration::from_secs(20), "run")
    }

    #[test]
    #[cfg(unix)]
    fn what_a_program_said_is_one_line_and_all_of_it_is_kept() {
        let ended = shell("seq 3000; printf '\\033[31mno\\tribbon\\n\\n' >&2; exit 4");
        assert_eq!(ended.text, "it ended with exit status: 4; it said: [31mno ribbon");
        assert!(ended.in_full().contains("2999\n3000"), "{}", ended.in_full());
        let long = shell("printf 'x%.0s' $(seq 500); exit 1");
        assert!(long.text.len() < 300 && long.text.ends_with("x …"), "{}", long.text);
        let short = shell("echo no; exit 1");
        assert_eq!(
            (short.said.as_deref(), short.in_full()),
            (None, "it ended with exit status: 1; it said: no".into())
        );
        assert_eq!(shell("echo 1; echo 2").text, "1\n2");
    }
}
