//! The programs of CUPS, each in a folder and on a port of its own, as an ordinary user.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::http::free_address;

const UP_WITHIN: Duration = Duration::from_secs(20);
/// Nobody in particular: what root starts the programs as.
const NOBODY: &str = "65534";

/// A folder that an ordinary user may write into, whoever runs the test.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    open_to_all(folder.path());
    folder
}

fn open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
}

/// Root starts it as nobody.
fn program(name: &str) -> Command {
    let path = ["/usr/sbin", "/usr/bin"].iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists());
    let path = path.unwrap_or_else(|| panic!("{name} is not installed; run scripts/torture print"));
    let mut command = if rustix::process::getuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]).arg(path);
        command
    } else {
        Command::new(path)
    };
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/");
    command
}

#[derive(Debug)]
struct Running(Child);

impl Running {
    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

fn wait(what: &str, is_there: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_there() {
        assert!(begun.elapsed() < UP_WITHIN, "{what} does not come up");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn listens(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// The virtual printer wants to announce itself, and needs somebody to say it to.
#[derive(Debug)]
pub struct Bus {
    folder: tempfile::TempDir,
    _running: Running,
}

impl Bus {
    pub fn start() -> Bus {
        let folder = folder();
        let socket = folder.path().join("bus");
        let config = format!(
            r#"<busconfig><type>system</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>
            <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
            <allow own="*"/><allow user="*"/></policy></busconfig>"#,
            socket.display()
        );
        std::fs::write(folder.path().join("bus.conf"), config).unwrap();
        let mut command = program("dbus-daemon");
        command.arg("--config-file").arg(folder.path().join("bus.conf")).args(["--nofork", "--nopidfile"]);
        let running = Running(command.spawn().unwrap());
        wait("the bus", || socket.exists());
        Bus { folder, _running: running }
    }

    fn address(&self) -> String {
        format!("unix:path={}", self.folder.path().join("bus").display())
    }
}

/// `ippeveprinter`, which keeps a list of what came out of it.
#[derive(Debug)]
pub struct VirtualPrinter {
    name: String,
    folder: tempfile::TempDir,
    port: u16,
    running: Option<Running>,
}

impl VirtualPrinter {
    pub fn start(bus: &Bus, name: &str) -> VirtualPrinter {
        let folder = folder();
        std::fs::write(folder.path().join("prints"), "").unwrap();
        open_to_all(&folder.path().join("prints"));
        let mut printer = VirtualPrinter { name: name.to_string(), folder, port: free_address().port(), running: None };
        printer.restart(bus);
        printer
    }

    pub fn restart(&mut self, bus: &Bus) {
        // What the program needs lies where an ordinary user can read it.
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/lib/printers");
        let copied = |name: &str| -> PathBuf {
            let to = self.folder.path().join(name);
            std::fs::copy(here.join(name), &to).unwrap();
            to
        };
        let (attributes, print) = (copied("photo.conf"), copied("print-command"));
        open_to_all(&print);
        let spool = self.folder.path().join("spool");
        std::fs::create_dir_all(&spool).unwrap();
        open_to_all(&spool);
        let mut command = program("ippeveprinter");
        command
            .env("DBUS_SYSTEM_BUS_ADDRESS", bus.address())
            .env("HOTFOLDERS_PRINTS", self.list())
            .args(["-r", "off", "-n", "localhost", "-k", "-p", &self.port.to_string(), "-d"])
            .arg(spool)
            .arg("-a")
            .arg(attributes)
            .arg("-c")
            .arg(print)
            .arg(&self.name);
        self.running = Some(Running(command.spawn().unwrap()));
        wait("the printer", || listens(self.port));
    }

    /// As if its plug were pulled.
    pub fn kill(&mut self) {
        self.running = None;
    }

    pub fn uri(&self) -> String {
        format!("ipp://localhost:{}/ipp/print", self.port)
    }

    pub fn run_out_of_paper(&self) {
        std::fs::write(self.empty(), "").unwrap();
    }

    pub fn fill_paper(&self) {
        std::fs::remove_file(self.empty()).unwrap();
    }

    fn list(&self) -> PathBuf {
        self.folder.path().join("prints")
    }

    fn empty(&self) -> PathBuf {
        self.folder.path().join("prints.empty")
    }

    fn lines(&self) -> Vec<(String, String)> {
        let list = std::fs::read_to_string(self.list()).unwrap();
        let lines = list.lines().map(|line| line.split_once(' ').unwrap());
        lines.map(|(digest, name)| (digest.to_string(), name.to_string())).collect()
    }

    /// Names of the jobs whose sheets came out: one for each copy.
    pub fn prints(&self) -> Vec<String> {
        self.lines().into_iter().map(|(_, name)| name).collect()
    }

    /// What came out: the record, which a job's name begins with, and the digest of the document.
    pub fn sheets(&self) -> Vec<(String, String)> {
        let sheet = |(digest, name): (String, String)| (name.split(' ').next().unwrap().to_string(), digest);
        self.lines().into_iter().map(sheet).collect()
    }

    pub fn digests(&self) -> Vec<String> {
        self.lines().into_iter().map(|(digest, _)| digest).collect()
    }
}

/// A `cupsd` of our own with one queue, which hands on to a virtual printer.
#[derive(Debug)]
pub struct Queue {
    port: u16,
    _running: Running,
    _folder: tempfile::TempDir,
}

impl Queue {
    pub fn start(to: &VirtualPrinter) -> Queue {
        let folder = folder();
        let port = free_address().port();
        let root = folder.path().display();
        for below in ["etc", "etc/ppd", "etc/ssl", "spool", "spool/tmp", "cache", "log", "run", "run/certs"] {
            std::fs::create_dir_all(folder.path().join(below)).unwrap();
            open_to_all(&folder.path().join(below));
        }
        let server = format!(
            "LogLevel warn\nListen localhost:{port}\nBrowsing No\nDefaultAuthType None\nWebInterface No\n\
             DefaultEncryption Never\nPreserveJobHistory Yes\nPreserveJobFiles No\nMaxJobs 1000\nJobRetryInterval 2\n\
             <Location />\n  Order allow,deny\n  Allow localhost\n</Location>\n<Policy default>\n  JobPrivateAccess default\n  \
             JobPrivateValues default\n  <Limit All>\n    Order deny,allow\n    Allow localhost\n  </Limit>\n</Policy>\n"
        );
        let user = if rustix::process::getuid().is_root() { "User nobody\nGroup nogroup\n" } else { "" };
        let files = format!(
            "{user}SystemGroup root\nServerRoot {root}/etc\nRequestRoot {root}/spool\nTempDir {root}/spool/tmp\n\
             CacheDir {root}/cache\nStateDir {root}/run\nServerKeychain {root}/etc/ssl\nErrorLog {root}/log/error\n\
             AccessLog {root}/log/access\nPageLog {root}/log/page\n"
        );
        std::fs::write(folder.path().join("etc/cupsd.conf"), server).unwrap();
        std::fs::write(folder.path().join("etc/cups-files.conf"), files).unwrap();
        let mut command = program("cupsd");
        command.arg("-f").arg("-c").arg(folder.path().join("etc/cupsd.conf"));
        command.arg("-s").arg(folder.path().join("etc/cups-files.conf"));
        let running = Running(command.spawn().unwrap());
        wait("cupsd", || listens(port));
        let mut lpadmin = program("lpadmin");
        lpadmin.args(["-h", &format!("localhost:{port}"), "-p", "photo", "-E", "-m", "everywhere", "-v", &to.uri()]);
        let made = lpadmin.stderr(Stdio::piped()).output().unwrap();
        assert!(made.status.success(), "lpadmin: {}", String::from_utf8_lossy(&made.stderr));
        Queue { port, _running: running, _folder: folder }
    }

    pub fn uri(&self) -> String {
        format!("ipp://localhost:{}/printers/photo", self.port)
    }
}
