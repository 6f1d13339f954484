//! The description of the API (OpenAPI 3.1), made from the table of routes, and the page that shows it.

use std::future::Ready;
use std::sync::{Arc, LazyLock};

use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::limits;
use domain::site::Site;
use parking_lot::Mutex;
use serde_json::json;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem,
};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, KnownFormat, ObjectBuilder, Schema as Shape, SchemaFormat,
    SchemaType, Type,
};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, Content, InfoBuilder, OpenApi, OpenApiBuilder, PathsBuilder, Ref, Required,
    Response as Answer, ResponseBuilder, ResponsesBuilder, Server,
};
use utoipa_swagger_ui::{Config, SwaggerFile};

use crate::errors::wording;
use crate::http::answer::{self, Outcome};
use crate::http::call::Anyone;
use crate::http::route::{self, Access, Answers, Rate, Route, SecondFactor};
use crate::http::schema::{Field, Kind, Presence, Schema, Style, Takes};

const USER_ID: &str = "userId";
const AUTH_TOKEN: &str = "authToken";
/// Where the page at `/api-docs/` finds the document: there may be a prefix in front of every path.
const DOCUMENT: &str = "../api/v1/openapi.json";

/// The page runs its own scripts and styles, and talks to this server only.
const PAGE_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/// The routes of the description; `document` returns it.
pub fn routes(document: impl Fn(Anyone) -> Ready<Outcome> + Send + Sync + 'static) -> Vec<Route> {
    vec![
        route::public(Method::GET, "openapi.json", document)
            .about("This description of the API.")
            .rate(Rate::Unlimited)
            .answers_bare(Kind::Object),
        route::public(Method::GET, "/api-docs", to_page)
            .about("The address of the page that shows the description of the API.")
            .rate(Rate::Unlimited)
            .redirects(),
        route::public(Method::GET, "/api-docs/", page)
            .about("The page that shows the description of the API.")
            .rate(Rate::Unlimited)
            .sends(&["text/html"]),
        route::public(Method::GET, "/api-docs/{file}", page)
            .about("A file of the page that shows the description of the API.")
            .rate(Rate::Unlimited)
            .sends(&[
                "text/html",
                "text/css",
                "text/javascript",
                "image/png",
                "application/json",
            ]),
    ]
}

/// The document that describes the routes.
pub fn document(routes: impl FnOnce() -> Vec<Route>, call: &Anyone) -> answer::Answer {
    /// The document of an address; it is made anew only when the address is another one.
    static KEPT: Mutex<(String, Bytes)> = Mutex::new((String::new(), Bytes::new()));
    let settings = call.state.views().settings();
    let site = Site::of(&settings);
    let mut kept = KEPT.lock();
    if kept.1.is_empty() || kept.0 != site.as_str() {
        let mut document = describe(&routes());
        document.servers = Some(servers(site));
        let text = document.to_json().unwrap_or_default();
        *kept = (site.as_str().to_owned(), text.into());
    }
    answer::Answer::other(([(header::CONTENT_TYPE, "application/json")], kept.1.clone()))
}

/// Where the paths of the document begin: on the host that sent it, and for everybody else.
fn servers(site: Site<'_>) -> Vec<Server> {
    let here = match site.prefix() {
        "" => "/",
        prefix => prefix,
    };
    vec![Server::new(here), Server::new(site.as_str())]
}

/// `GET /api-docs`: the page finds its files from its address, which ends with a slash.
pub async fn to_page(call: Anyone) -> Outcome {
    let target = Site::of(&call.state.views().settings()).path("/api-docs/");
    Ok(answer::Answer::other((
        StatusCode::FOUND,
        [(header::LOCATION, target)],
    )))
}

/// `GET /api-docs/` and the files of the page.
pub async fn page(call: Anyone) -> Outcome {
    static CONFIG: LazyLock<Arc<Config<'static>>> =
        LazyLock::new(|| Arc::new(Config::from(DOCUMENT)));
    match utoipa_swagger_ui::serve(call.input.path("file"), CONFIG.clone()) {
        Ok(Some(file)) => Ok(answer::Answer::other(page_file(file))),
        Ok(None) => Err(wording::not_found()),
        Err(error) => {
            tracing::error!(%error, "the page of the API document cannot be made");
            Err(crate::errors::ApiError::Internal)
        }
    }
}

fn page_file(file: SwaggerFile<'_>) -> Response {
    let mut response = file.bytes.into_owned().into_response();
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(&file.content_type) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(PAGE_POLICY),
    );
    response
}

pub fn describe(routes: &[Route]) -> OpenApi {
    let paths = routes
        .iter()
        .filter_map(|route| Some((route, method(&route.method)?)))
        .fold(PathsBuilder::new(), |paths, (route, method)| {
            paths.path(route.path.as_str(), PathItem::new(method, operation(route)))
        });
    let key = |header| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(header)));
    let components = ComponentsBuilder::new()
        .security_scheme(USER_ID, key("X-User-Id"))
        .security_scheme(AUTH_TOKEN, key("X-Auth-Token"))
        .response(
            "Refused",
            failure("What was asked is refused; `error` says why."),
        )
        .response("NotLoggedIn", not_logged_in())
        .response("Forbidden", failure("The caller lacks the permission."))
        .response("NotFound", failure("There is no such thing."))
        .response("TooSlow", failure("The body stopped coming."))
        .response("TooLarge", failure("The body is larger than accepted."))
        .response(
            "UriTooLong",
            failure("The address is longer than accepted."),
        )
        .response(
            "HeadTooLarge",
            failure("The headers are larger, or more, than accepted."),
        )
        .response(
            "TooMany",
            failure("Too many calls from this address; `error` tells how long to wait."),
        )
        .response(
            "Unavailable",
            failure("The log cannot be used now, or there is too much to do."),
        )
        .build();
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Hansard")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(format!(
                    "The REST doors of a Hansard workspace. Log in with `POST /api/v1/login`, then send the `userId` \
                     and `authToken` of the answer as headers `X-User-Id` and `X-Auth-Token`. A text has at most {} \
                     characters where nothing else is said, and a path with its query at most 16 KiB together with \
                     the headers.",
                    limits::TEXT
                )))
                .build(),
        )
        .paths(paths.build())
        .components(Some(components))
        .build()
}

fn method(method: &Method) -> Option<HttpMethod> {
    Some(match *method {
        Method::GET => HttpMethod::Get,
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::DELETE => HttpMethod::Delete,
        Method::PATCH => HttpMethod::Patch,
        _ => return None,
    })
}

fn operation(route: &Route) -> Operation {
    let in_query = route.method == Method::GET || route.method == Method::DELETE;
    let mut operation = OperationBuilder::new()
        .tag(tag(&route.path))
        .summary(Some(route.about))
        .description(Some(rules(route)))
        .operation_id(Some(operation_id(route)))
        .responses(responses(route));
    for name in open_parts(&route.path) {
        operation = operation.parameter(path_parameter(name));
    }
    if in_query {
        for parameter in query_parameters(&route.takes) {
            operation = operation.parameter(parameter);
        }
    } else {
        operation = operation.request_body(body(&route.takes));
    }
    if !matches!(route.access, Access::Public(_)) {
        let none: [&str; 0] = [];
        let both = SecurityRequirement::new(USER_ID, none).add(AUTH_TOKEN, none);
        operation = operation.security(both);
    }
    operation.build()
}

/// `users` of `/api/v1/users.info`, `settings` of `/api/v1/settings/{id}`.
fn tag(path: &str) -> &str {
    let name = path.trim_start_matches("/api/v1/").trim_start_matches('/');
    name.split(['.', '/']).next().unwrap_or(name)
}

fn operation_id(route: &Route) -> String {
    let name: String = route
        .path
        .trim_start_matches("/api/v1/")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    format!("{}_{name}", route.method.as_str().to_lowercase())
}

/// Who may call, in words.
fn rules(route: &Route) -> String {
    let mut rules = Vec::new();
    match &route.access {
        Access::Public(_) => rules.push("Needs no login.".to_owned()),
        Access::Readers(_) => {
            rules.push("Needs a login, unless the workspace may be read without one.".to_owned());
        }
        Access::LoggedIn(_) => {}
    }
    if let Some(need) = route.need {
        let names: Vec<String> = need
            .any_of
            .iter()
            .map(|permission| format!("`{}`", permission.as_str()))
            .collect();
        rules.push(format!("Needs the permission {}.", names.join(" or ")));
    }
    match route.second_factor {
        SecondFactor::NotAsked => {}
        SecondFactor::Asked => rules.push("Asks for a second factor.".to_owned()),
        SecondFactor::AskedAnew => {
            rules.push("Asks for a second factor every time.".to_owned());
        }
    }
    match route.rate {
        Rate::Default => {}
        Rate::Calls(calls, per) => {
            rules.push(format!("At most {calls} calls in {} s.", per.as_secs_f32()));
        }
        Rate::Setting(key) => rules.push(format!("At most `{}` calls per minute.", key.id())),
        Rate::Unlimited => rules.push("Not rate limited.".to_owned()),
    }
    if let Takes::Params(schema) = route.takes {
        let choice: Vec<String> = schema
            .one_of()
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        if !choice.is_empty() {
            rules.push(format!("Takes exactly one of {}.", choice.join(", ")));
        }
        rules.push(match schema.style {
            Style::Open => "Other parameters are ignored.".to_owned(),
            Style::Exact | Style::Closed => "Other parameters are refused.".to_owned(),
        });
    }
    rules.join(" ")
}

/// The names in braces; `{*rest}` is `rest`.
fn open_parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        Some(name.trim_start_matches('*'))
    })
}

fn path_parameter(name: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(kind(Kind::LongText(1))))
        .build()
}

fn query_parameters(takes: &Takes) -> Vec<Parameter> {
    match takes {
        Takes::Params(schema) => schema
            .all()
            .into_iter()
            .map(|field| query_parameter(schema, field))
            .collect(),
        Takes::Upload(..) => Vec::new(),
    }
}

fn query_parameter(schema: &Schema, field: &Field) -> Parameter {
    let required = field.presence == Presence::Required;
    ParameterBuilder::new()
        .name(field.name)
        .parameter_in(ParameterIn::Query)
        .required(if required {
            Required::True
        } else {
            Required::False
        })
        .schema(Some(value(schema, field)))
        .build()
}

/// What a parameter of `schema` may be.
fn value(schema: &Schema, field: &Field) -> Shape {
    if schema.style == Style::Exact || !field.loose || matches!(field.kind, Kind::Date) {
        return input(field.kind);
    }
    ObjectBuilder::new()
        .schema_type(SchemaType::AnyValue)
        .description(Some(format!("Meant to be {}.", field.kind.name())))
        .into()
}

/// An object with the parameters of `schema`.
fn shape(schema: &Schema) -> Shape {
    let mut shape = object();
    for field in schema.all() {
        shape = shape.property(field.name, value(schema, field));
        if field.presence == Presence::Required {
            shape = shape.required(field.name);
        }
    }
    if schema.style != Style::Open {
        shape = shape.additional_properties(Some(AdditionalProperties::<Shape>::FreeForm(false)));
    }
    shape.into()
}

fn body(takes: &Takes) -> Option<RequestBody> {
    let json = |shape: Shape, required: bool| {
        RequestBodyBuilder::new()
            .content("application/json", Content::new(Some(shape)))
            .required(Some(if required {
                Required::True
            } else {
                Required::False
            }))
            .build()
    };
    match takes {
        Takes::Params(schema) => {
            let fields = schema.all();
            let needed = fields
                .iter()
                .any(|field| field.presence != Presence::Optional);
            (!fields.is_empty()).then(|| json(shape(schema), needed))
        }
        Takes::Upload(file, fields) => {
            let file = if file.is_empty() { "file" } else { file };
            let bytes = ObjectBuilder::new()
                .schema_type(Type::String)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)));
            let form = fields.iter().fold(
                object().property(file, bytes).required(file),
                |form, field| form.property(*field, input(Kind::Text)),
            );
            Some(
                RequestBodyBuilder::new()
                    .content("multipart/form-data", Content::new(Some(Shape::from(form))))
                    .required(Some(Required::True))
                    .build(),
            )
        }
    }
}

fn object() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Object)
}

/// What a parameter may be: as [`kind`], with the limit that lists have. The limit of texts is the same for all, and
/// stated once.
fn input(of: Kind) -> Shape {
    match of {
        Kind::Texts => ArrayBuilder::new()
            .items(ObjectBuilder::new().schema_type(Type::String))
            .max_items(Some(limits::ITEMS))
            .into(),
        Kind::List => ArrayBuilder::new()
            .items(ObjectBuilder::new().schema_type(SchemaType::AnyValue))
            .max_items(Some(limits::ITEMS))
            .into(),
        of => kind(of),
    }
}

fn kind(kind: Kind) -> Shape {
    let scalar = |of: Type| ObjectBuilder::new().schema_type(of);
    match kind {
        Kind::Text | Kind::Document => scalar(Type::String).into(),
        Kind::LongText(least) => scalar(Type::String).min_length(Some(least)).into(),
        Kind::Number | Kind::Whole => scalar(Type::Number).into(),
        Kind::Positive => scalar(Type::Number).exclusive_minimum(Some(0)).into(),
        Kind::Boolean => scalar(Type::Boolean).into(),
        Kind::Object => object().into(),
        Kind::Enum(values) => scalar(Type::String)
            .enum_values(Some(values.iter().map(|value| json!(value))))
            .into(),
        Kind::Texts => ArrayBuilder::new().items(scalar(Type::String)).into(),
        Kind::List => ArrayBuilder::new()
            .items(ObjectBuilder::new().schema_type(SchemaType::AnyValue))
            .into(),
        Kind::Shape(schema) => shape(schema),
        Kind::Date => ObjectBuilder::new()
            .schema_type(SchemaType::AnyValue)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some(
                "ISO 8601, or milliseconds since 1970; as a text more than 9999, because less could be a year.",
            ))
            .into(),
        Kind::Any => anything(),
    }
}

fn anything() -> Shape {
    ObjectBuilder::new()
        .schema_type(SchemaType::AnyValue)
        .into()
}

fn responses(route: &Route) -> utoipa::openapi::Responses {
    let shared = |name: &str| Ref::from_response_name(name);
    let mut responses = ResponsesBuilder::new()
        .response("400", shared("Refused"))
        .response("403", shared("Forbidden"))
        .response("404", shared("NotFound"))
        .response("408", shared("TooSlow"))
        .response("413", shared("TooLarge"))
        .response("414", shared("UriTooLong"))
        .response("429", shared("TooMany"))
        .response("431", shared("HeadTooLarge"))
        .response("503", shared("Unavailable"));
    let needs_login = !matches!(route.access, Access::Public(_));
    if needs_login || matches!(route.answers, Answers::Status) {
        responses = responses.response("401", shared("NotLoggedIn"));
    }
    match route.answers {
        Answers::Envelope(fields) => {
            let success = ObjectBuilder::new()
                .schema_type(Type::Boolean)
                .enum_values(Some([json!(true)]));
            let shape = fields.iter().fold(
                object().property("success", success).required("success"),
                |shape, (name, of)| shape.property(*name, kind(*of)).required(*name),
            );
            responses.response("200", with_json("Done.", shape.into()))
        }
        Answers::Status => {
            let shape = object()
                .property("status", kind(Kind::Enum(&["success"])))
                .required("status")
                .property("data", kind(Kind::Object))
                .required("data");
            responses.response("200", with_json("Done.", shape.into()))
        }
        Answers::Bare(of) => responses.response("200", with_json("Done.", kind(of))),
        Answers::Media(kinds) => {
            let refused = || {
                let refused = files("There is no such file, or not for the caller.", kinds);
                refused.content("text/plain", Content::new(Some(anything())))
            };
            ["400", "403", "404"]
                .into_iter()
                .fold(responses, |responses, status| {
                    let json = Content::new(Some(failure_shape()));
                    responses.response(status, refused().content("application/json", json))
                })
                .response("200", files("The file.", kinds))
                .response("304", Answer::new("It has not changed."))
        }
        Answers::Redirect => responses
            .response("302", Answer::new("It is elsewhere."))
            .response("307", Answer::new("It is elsewhere.")),
    }
    .build()
}

fn files(description: &str, kinds: &[&str]) -> ResponseBuilder {
    let response = ResponseBuilder::new().description(description);
    kinds.iter().fold(response, |response, media| {
        response.content(*media, Content::new(Some(anything())))
    })
}

fn with_json(description: &str, shape: Shape) -> Answer {
    ResponseBuilder::new()
        .description(description)
        .content("application/json", Content::new(Some(shape)))
        .build()
}

fn failure(description: &str) -> Answer {
    with_json(description, failure_shape())
}

fn failure_shape() -> Shape {
    let no = ObjectBuilder::new()
        .schema_type(Type::Boolean)
        .enum_values(Some([json!(false)]));
    object()
        .property("success", no)
        .required("success")
        .property("error", kind(Kind::Text))
        .property("errorType", kind(Kind::Any))
        .property("details", kind(Kind::Any))
        .into()
}

fn not_logged_in() -> Answer {
    let shape = object()
        .property("status", kind(Kind::Enum(&["error"])))
        .required("status")
        .property("message", kind(Kind::Text))
        .property("error", kind(Kind::Any))
        .property("details", kind(Kind::Any));
    with_json("No valid login.", shape.into())
}
