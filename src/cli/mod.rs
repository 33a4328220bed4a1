//! The command line: what is typed, parsed once, and one small file per command.

mod check;
mod config;
mod demo;
mod erase;
mod hash_password;
mod jobs;
mod links;
mod plan;
mod printers;
mod render;
mod schema;
mod serve;
mod status;
mod submit;
mod terminal;

use std::path::PathBuf;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::error::Error;

/// Render and print server for a photo studio: hot folders in, finished pictures, discs, zips and receipts out.
#[derive(Debug, Parser)]
#[command(name = "hotfolders", version, about, max_term_width = 100)]
pub struct Args {
    /// The config file.
    #[arg(long, global = true, value_name = "FILE", default_value = "hotfolders.yaml")]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch the hot folders, work, until stopped.
    Serve(serve::ServeArgs),
    /// Make a small studio with real photos, serve it, drop three jobs, show what came out.
    Demo(demo::DemoArgs),
    /// Show every problem of the config, then try each folder it names. Creates nothing.
    Check,
    /// Dry run: what a manifest would become, and why.
    Plan(plan::PlanArgs),
    /// Drop manifests into a hot folder properly.
    Submit(submit::SubmitArgs),
    /// Use a profile by hand.
    Render(render::RenderArgs),
    /// Hot folders, queue, and what is being waited for.
    Status(status::StatusArgs),
    /// List jobs and act on them.
    #[command(subcommand)]
    Jobs(jobs::JobsCommand),
    /// List printers and act on them.
    #[command(subcommand)]
    Printers(printers::PrintersCommand),
    /// List download links and act on them.
    #[command(subcommand)]
    Links(links::LinksCommand),
    /// Remove everything that is kept of a record, a session or a client.
    Erase(erase::EraseArgs),
    /// Start no more jobs; running ones are finished.
    Pause,
    /// Start jobs again.
    Resume,
    /// Make the hash of a password for `server.users`, which is typed twice or read from standard input.
    HashPassword,
    /// Print the JSON Schema of a file format.
    Schema(schema::SchemaArgs),
    /// Print the completions for a shell.
    Completions {
        /// bash, elvish, fish, powershell or zsh.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
}

/// Carries out what was typed.
pub fn run(args: &Args) -> Result<(), Error> {
    let config = args.config.as_path();
    match &args.command {
        Command::Serve(args) => serve::run(config, args),
        Command::Demo(args) => demo::run(args),
        Command::Check => check::run(config),
        Command::Plan(args) => plan::run(config, args),
        Command::Submit(args) => submit::run(config, args),
        Command::Render(args) => render::run(config, args),
        Command::Status(args) => status::run(config, args),
        Command::Jobs(command) => jobs::run(config, command),
        Command::Printers(command) => printers::run(config, command),
        Command::Links(command) => links::run(config, command),
        Command::Erase(args) => erase::run(config, args),
        Command::Pause => jobs::pause(config, true),
        Command::Resume => jobs::pause(config, false),
        Command::HashPassword => hash_password::run(),
        Command::Schema(args) => schema::run(args),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Args::command(), "hotfolders", &mut text);
            terminal::print_bytes(&text)
        }
        Command::Man => {
            let mut text = Vec::new();
            clap_mangen::Man::new(Args::command())
                .render(&mut text)
                .map_err(|e| Error::failed(format!("cannot make the manual page: {e}")))?;
            terminal::print_bytes(&text)
        }
    }
}
