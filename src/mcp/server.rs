//! One server: started when it is needed, asked for its tools, called, and started again a few times if it dies.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, ClientCapabilities, ClientConfig, Implementation, PaginatedRequestParams, ProtocolVersion,
    Tool,
};
use rmcp::service::{
    ClientInitializeError, ClientLifecycleMode, NotificationContext, RunningService, ServiceError,
    serve_client_with_lifecycle,
};
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::{ClientHandler, RoleClient};
use serde_json::Value;
use tokio::sync::Mutex;

use super::listed::{self, Listed, clean};
use super::process::{self, Process, Said};
use super::{Answer, CallError, Reach, ServerSettings, Surroundings, answer, http};
use crate::event::McpServerState;

/// How long a server may take to start and to tell its tools.
const START: Duration = Duration::from_secs(30);
/// How often one is started again that died.
const RESTARTS: u32 = 3;
/// Longest line that a server may send.
const LONGEST_LINE: usize = 4 * 1024 * 1024;
/// How many pages of tools are asked for.
const PAGES: usize = 16;
/// Longest part of a message of a server's that is told.
const TOLD: usize = 400;

pub(super) struct Server {
    settings: ServerSettings,
    surroundings: Arc<Surroundings>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connection: Option<Arc<Connection>>,
    /// How often it was started.
    starts: u32,
    /// Why the last start came to nothing.
    problem: Option<String>,
    /// It never answered. Nobody waits for it a second time.
    has_hung: bool,
}

/// Why a start came to nothing.
enum Failed {
    /// It may be otherwise the next time.
    Now(String),
    Hung(String),
}

/// A server that runs. It ends when this is dropped.
struct Connection {
    service: RunningService<RoleClient, Client>,
    listed: Lock<Arc<Listed>>,
    title: Option<String>,
    process: Option<Process>,
}

/// Our side: it offers a server nothing.
struct Client {
    /// The server has said that its tools are others now.
    has_changed: Arc<AtomicBool>,
}

impl ClientHandler for Client {
    fn get_info(&self) -> ClientConfig {
        let own = Implementation::new("claw", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), own)
    }

    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.has_changed.store(true, Ordering::Relaxed);
    }
}

impl Server {
    pub fn new(settings: ServerSettings, surroundings: Arc<Surroundings>) -> Server {
        Server { settings, surroundings, state: Mutex::default() }
    }

    pub fn settings(&self) -> &ServerSettings {
        &self.settings
    }

    /// Starts it if it does not run, and tells what it offers.
    pub async fn state(&self) -> McpServerState {
        let server = self.settings.name.clone();
        match self.listed().await {
            Ok((listed, title)) => McpServerState {
                server,
                ok: true,
                error: None,
                title,
                tools: listed.tools.clone(),
                left_out: listed.left_out.clone(),
            },
            Err(error) => McpServerState { server, error: Some(error), ..McpServerState::default() },
        }
    }

    pub async fn call(&self, tool: &str, input: Value) -> Result<Answer, CallError> {
        let name = &self.settings.name;
        let connection = self.connection().await.map_err(|problem| {
            CallError(format!("the MCP server {name} does not run: {problem}. Go on without it, or tell the user"))
        })?;
        let Some(told) = connection.listed().names.get(tool).cloned() else {
            return Err(CallError(format!("{name} has no tool `{tool}` any more: go on without it")));
        };
        let arguments = match input {
            Value::Object(arguments) => Some(arguments),
            _ => None,
        };
        let mut params = CallToolRequestParams::new(told);
        params.arguments = arguments;
        let within = self.settings.answer_within;
        match tokio::time::timeout(within, connection.service.peer().call_tool(params)).await {
            Ok(Ok(result)) => Ok(answer::of(&result)),
            Ok(Err(error)) => Err(CallError(failed(name, &error, &connection))),
            Err(_) => Err(CallError(format!(
                "{name} did not answer within {} s (mcp.servers.{name}.timeout_s): ask for less, or go on without it",
                within.as_secs()
            ))),
        }
    }

    async fn listed(&self) -> Result<(Arc<Listed>, Option<String>), String> {
        let connection = self.connection().await?;
        if connection.service.service().has_changed.swap(false, Ordering::Relaxed) {
            match tokio::time::timeout(START, tools_of(&connection.service)).await {
                Ok(Ok(tools)) => connection.set_listed(listed::of(&self.settings.name, &tools)),
                Ok(Err(error)) => return Err(format!("its tools can not be listed: {error}")),
                Err(_) => return Err(format!("it did not list its tools within {} s", START.as_secs())),
            }
        }
        Ok((connection.listed(), connection.title.clone()))
    }

    /// The server, running. Who comes second waits for the first.
    async fn connection(&self) -> Result<Arc<Connection>, String> {
        let mut state = self.state.lock().await;
        if let Some(connection) = state.connection.as_ref().filter(|connection| connection.is_open()) {
            return Ok(Arc::clone(connection));
        }
        state.connection = None;
        if state.has_hung {
            let problem = state.problem.as_deref().unwrap_or_default();
            return Err(format!("{problem}; it is not started again before Claw is"));
        }
        if state.starts > RESTARTS {
            let problem = state.problem.as_deref().unwrap_or("it ended");
            return Err(format!("it was started {} times and is not started again: {problem}", state.starts));
        }
        state.starts += 1;
        match self.start().await {
            Ok(connection) => {
                let connection = Arc::new(connection);
                (state.connection, state.problem) = (Some(Arc::clone(&connection)), None);
                Ok(connection)
            }
            Err(failed) => {
                let problem = match failed {
                    Failed::Now(problem) => problem,
                    Failed::Hung(problem) => {
                        state.has_hung = true;
                        problem
                    }
                };
                tracing::info!(server = self.settings.name, problem, "an MCP server did not start");
                state.problem = Some(problem.clone());
                Err(problem)
            }
        }
    }

    async fn start(&self) -> Result<Connection, Failed> {
        let late = |said: &str| Failed::Hung(format!("it did not answer within {} s{said}", START.as_secs()));
        let client = Client { has_changed: Arc::default() };
        let lifecycle = ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            legacy_version: Some(ProtocolVersion::V_2025_11_25),
        };
        match &self.settings.reach {
            Reach::Program(program) => {
                let started = process::start(&self.settings.name, program, &self.surroundings);
                let started = started.await.map_err(Failed::Now)?;
                let said = started.process.said();
                let transport =
                    AsyncRwTransport::new_client(started.output, started.input).with_max_line_length(LONGEST_LINE);
                let connecting = async {
                    let service = serve_client_with_lifecycle(client, transport, lifecycle);
                    let service = service.await.map_err(|error| unanswered(&error))?;
                    self.connected(service, Some(started.process)).await
                };
                match tokio::time::timeout(START, connecting).await {
                    Ok(Ok(connection)) => Ok(connection),
                    Ok(Err(error)) => Err(Failed::Now(format!("{}{}", clean(&error, TOLD), said.last_lines()))),
                    Err(_) => Err(late(&said.last_lines())),
                }
            }
            Reach::Http { url, headers } => {
                let transport = http::transport(url, headers).map_err(Failed::Now)?;
                let connecting = async {
                    let service = serve_client_with_lifecycle(client, transport, lifecycle);
                    let service = service.await.map_err(|error| match error.auth_challenge() {
                        Some(_) => "it wants to know who you are: give it a key in `headers`".to_owned(),
                        None => error.to_string(),
                    })?;
                    self.connected(service, None).await
                };
                match tokio::time::timeout(START, connecting).await {
                    Ok(result) => result.map_err(|error| Failed::Now(clean(&error, TOLD))),
                    Err(_) => Err(late("")),
                }
            }
            Reach::Unusable(why) => Err(Failed::Now(why.clone())),
        }
    }

    async fn connected(
        &self,
        service: RunningService<RoleClient, Client>,
        process: Option<Process>,
    ) -> Result<Connection, String> {
        let tools = tools_of(&service).await.map_err(|error| format!("its tools can not be listed: {error}"))?;
        let title = service.peer().peer_info().and_then(|info| {
            let own = info.server_info.as_ref()?;
            Some(clean(&format!("{} {}", own.name, own.version), TOLD))
        });
        let listed = Lock::new(Arc::new(listed::of(&self.settings.name, &tools)));
        Ok(Connection { service, listed, title, process })
    }
}

impl Connection {
    fn is_open(&self) -> bool {
        !self.service.is_closed() && !self.service.peer().is_transport_closed()
    }

    fn listed(&self) -> Arc<Listed> {
        Arc::clone(&self.listed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn set_listed(&self, listed: Listed) {
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(listed);
    }

    fn said(&self) -> Said {
        self.process.as_ref().map(Process::said).unwrap_or_default()
    }
}

async fn tools_of(service: &RunningService<RoleClient, Client>) -> Result<Vec<Tool>, ServiceError> {
    let mut tools = Vec::new();
    let mut cursor = None;
    for _ in 0..PAGES {
        let params = cursor.map(|cursor| PaginatedRequestParams::default().with_cursor(Some(cursor)));
        let page = service.peer().list_tools(params).await?;
        tools.extend(page.tools);
        match page.next_cursor {
            Some(next) if !next.is_empty() => cursor = Some(next),
            _ => break,
        }
    }
    Ok(tools)
}

/// Why the first words with a program came to nothing.
fn unanswered(error: &ClientInitializeError) -> String {
    match error {
        ClientInitializeError::ConnectionClosed(_) | ClientInitializeError::TransportError { .. } => {
            "it ended before it answered".to_owned()
        }
        other => other.to_string(),
    }
}

/// What a call that failed is told as.
fn failed(name: &str, error: &ServiceError, connection: &Connection) -> String {
    match error {
        ServiceError::McpError(error) => {
            format!("{name} refused the call: {}. Mend the arguments, or go on without it", clean(&error.message, TOLD))
        }
        ServiceError::UnexpectedResponse | ServiceError::InputRequiredRoundsExceeded { .. } => {
            format!("{name} wants to ask something back, which it can not here: go on without it")
        }
        ServiceError::TransportSend(_) | ServiceError::TransportClosed => format!(
            "{name} ended during the call{}. It is started again for the next one; whether this one was done is not known",
            connection.said().last_lines()
        ),
        other => format!("{name} gave no answer: {}", clean(&other.to_string(), TOLD)),
    }
}
