//! The program as its users meet it: the real binary, real folders, real pictures.
#![allow(
    clippy::case_sensitive_file_extension_comparisons,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test may fail anywhere, and makes its own mess in its own folder"
)]
#![allow(unreachable_pub, reason = "the modules of one test binary are each other's only readers")]

mod again;
mod agree;
mod alarm;
mod alone;
mod bad_input;
mod browser;
mod browser_dashboard;
mod browser_downloads;
mod cli;
mod command;
mod control;
mod crash;
mod damage;
mod dashboard;
mod dashboard_pages;
mod dates;
mod determinism;
mod doors;
mod downloads;
mod erase;
mod fake_printer;
mod flow;
mod fuzz;
mod history;
mod hook;
mod http;
mod ipp;
mod labs;
mod languages;
mod last_good;
mod letters;
mod licenses;
mod link_requests;
mod links;
mod lock;
mod mail;
mod mend;
mod moved;
mod opening;
mod operator;
mod orientation;
mod places;
mod print_torture;
mod printing;
mod proxies;
mod quality;
mod queue;
mod records;
mod reload;
mod rights;
mod sheets;
mod smtp;
mod studio;
mod tidy;
mod tls;
mod trouble;
mod two_servers;
mod unmatched;
mod upgrade;
mod uploads;
mod web;
mod writers;
