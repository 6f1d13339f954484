//! The shell that holds a server together: configuration, start, the table of routes, connections, stop.

pub mod app;
pub mod cli;
pub mod config;
pub mod control;
pub mod data_dir;
pub mod extension;
pub mod health;
pub mod process;
pub mod program;
pub mod routes;
pub mod sandbox;
pub mod serve;
pub mod shutdown;
