//! The parts of the runtime that are spoken to directly: measured faster than the wrappers around them, and every call that can
//! throw returns a result.

use js_sys::{Array, Function, Object, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{ReadableStream, Response};

#[wasm_bindgen]
extern "C" {
    /// `fetch(url, init)`.
    #[wasm_bindgen(js_name = fetch, catch)]
    pub(super) async fn fetch_url(url: &str, init: &Object) -> Result<JsValue, JsValue>;

    /// `setTimeout(callback, milliseconds)`.
    #[wasm_bindgen(js_name = setTimeout)]
    pub(super) fn set_timeout(callback: &Function, milliseconds: f64) -> JsValue;

    /// `clearTimeout(timer)`.
    #[wasm_bindgen(js_name = clearTimeout)]
    pub(super) fn clear_timeout(timer: &JsValue);

    /// `Response`.
    #[wasm_bindgen(js_name = Response)]
    pub type JsResponse;

    /// `new Response(body, init)`; throws on a status or a body that cannot be.
    #[wasm_bindgen(constructor, js_class = "Response", catch)]
    pub(super) fn new(body: &JsValue, init: &JsValue) -> Result<JsResponse, JsValue>;

    /// What a response is built with.
    pub(super) type ResponseOptions;

    /// `"manual"`: the body is already under the content coding that its fields state.
    #[wasm_bindgen(method, setter, js_name = encodeBody)]
    pub(super) fn set_encode_body(this: &ResponseOptions, how: &str);

    /// An object whose promise is settled from outside.
    pub(super) type Resolvers;

    /// `Promise.withResolvers()`: the one promise that another request may wait for once the code is optimised.
    #[wasm_bindgen(js_namespace = Promise, js_name = withResolvers)]
    pub(super) fn with_resolvers() -> Resolvers;

    #[wasm_bindgen(method, getter)]
    pub(super) fn promise(this: &Resolvers) -> Promise;

    #[wasm_bindgen(method, getter)]
    pub(super) fn resolve(this: &Resolvers) -> Function;

    /// `AbortController`.
    #[derive(Clone)]
    #[wasm_bindgen(js_name = AbortController)]
    pub(super) type AbortController;

    #[wasm_bindgen(constructor, js_class = "AbortController")]
    pub(super) fn new_controller() -> AbortController;

    #[wasm_bindgen(method, getter)]
    pub(super) fn signal(this: &AbortController) -> JsValue;

    #[wasm_bindgen(method)]
    pub(super) fn abort(this: &AbortController);

    /// What `stream.getReader()` gives.
    pub(super) type Reader;

    #[wasm_bindgen(method, catch)]
    pub(super) async fn read(this: &Reader) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(super) fn cancel(this: &Reader) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, js_name = releaseLock, catch)]
    pub(super) fn release(this: &Reader) -> Result<(), JsValue>;

    /// `IdentityTransformStream`: what is written at one end is read at the other, byte for byte.
    pub(super) type IdentityTransformStream;

    #[wasm_bindgen(constructor)]
    pub(super) fn new_identity() -> IdentityTransformStream;

    #[wasm_bindgen(method, getter)]
    pub(super) fn readable(this: &IdentityTransformStream) -> ReadableStream;

    #[wasm_bindgen(method, getter)]
    pub(super) fn writable(this: &IdentityTransformStream) -> Writable;

    #[wasm_bindgen(method, catch)]
    pub(super) async fn close(this: &Writer) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(super) async fn abort(this: &Writer) -> Result<JsValue, JsValue>;

    /// A Workers KV namespace, or an R2 bucket: both have these methods.
    #[derive(Clone)]
    pub(super) type KeyValueStore;

    #[wasm_bindgen(method, catch)]
    pub(super) fn get(this: &KeyValueStore, key: &str, options: &JsValue) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(super) fn put(
        this: &KeyValueStore,
        key: &str,
        value: &Uint8Array,
        options: &JsValue,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(super) fn delete(this: &KeyValueStore, key: &str) -> Result<Promise, JsValue>;

    /// A D1 database.
    #[derive(Clone)]
    pub(super) type D1Database;

    #[wasm_bindgen(method, catch)]
    pub(super) fn prepare(this: &D1Database, statement: &str) -> Result<Statement, JsValue>;

    /// Runs statements in one transaction: their results, in order.
    #[wasm_bindgen(method, catch)]
    pub(super) fn batch(this: &D1Database, statements: &Array) -> Result<Promise, JsValue>;

    /// A statement, ready to run.
    pub(super) type Statement;

    #[wasm_bindgen(method, variadic, catch)]
    pub(super) fn bind(this: &Statement, values: &Array) -> Result<Statement, JsValue>;

    /// Bytes that can be written as text.
    pub(super) type Base64;

    #[wasm_bindgen(method, js_name = toBase64)]
    pub(super) fn to_base64(this: &Base64) -> JsValue;

    /// `Uint8Array.fromBase64(text)`.
    #[wasm_bindgen(js_namespace = Uint8Array, js_name = fromBase64, catch)]
    pub(super) fn from_base64(text: &JsValue) -> Result<Uint8Array, JsValue>;

    /// A TCP connection.
    pub(super) type Socket;

    #[wasm_bindgen(method, getter)]
    pub(super) fn readable(this: &Socket) -> ReadableStream;

    #[wasm_bindgen(method, getter)]
    pub(super) fn writable(this: &Socket) -> Writable;

    #[wasm_bindgen(method, catch)]
    pub(super) fn close(this: &Socket) -> Result<Promise, JsValue>;

    /// `WritableStream`.
    pub(super) type Writable;

    #[wasm_bindgen(method, js_name = getWriter, catch)]
    pub(super) fn writer(this: &Writable) -> Result<Writer, JsValue>;

    /// What `stream.getWriter()` gives.
    pub(super) type Writer;

    #[wasm_bindgen(method, catch)]
    pub(super) async fn write(this: &Writer, bytes: &Uint8Array) -> Result<JsValue, JsValue>;

    /// What a Durable Object is made with.
    pub type DurableState;

    #[wasm_bindgen(method, getter)]
    pub(super) fn storage(this: &DurableState) -> DurableStorage;

    /// What it keeps.
    pub(super) type DurableStorage;

    #[wasm_bindgen(method, getter)]
    pub(super) fn sql(this: &DurableStorage) -> SqlStorage;

    #[wasm_bindgen(method, js_name = setAlarm, catch)]
    pub(super) fn set_alarm(this: &DurableStorage, at: f64) -> Result<Promise, JsValue>;

    /// Its SQLite database.
    pub(super) type SqlStorage;

    #[wasm_bindgen(method, variadic, catch)]
    pub(super) fn exec(this: &SqlStorage, statement: &str, values: &Array) -> Result<Cursor, JsValue>;

    /// Rows.
    pub(super) type Cursor;

    #[wasm_bindgen(method, js_name = toArray, catch)]
    pub(super) fn to_array(this: &Cursor) -> Result<Array, JsValue>;

    /// A namespace of Durable Objects.
    #[derive(Clone)]
    pub(super) type DurableNamespace;

    #[wasm_bindgen(method, js_name = getByName, catch)]
    pub(super) fn by_name(this: &DurableNamespace, name: &str) -> Result<DurableStub, JsValue>;

    /// One Durable Object.
    pub(super) type DurableStub;

    /// The method of ours that `entry.mjs` gives it.
    #[wasm_bindgen(method, js_name = ask, catch)]
    pub(super) async fn ask(this: &DurableStub, target: &str, body: &JsValue) -> Result<JsValue, JsValue>;

    /// `caches`.
    #[wasm_bindgen(js_namespace = caches, js_name = open, catch)]
    pub(super) fn open_cache(name: &str) -> Result<Promise, JsValue>;

    /// A cache of the Cache API.
    #[derive(Clone)]
    pub(super) type Cache;

    #[wasm_bindgen(method, js_name = put, catch)]
    pub(super) fn store(this: &Cache, url: &str, response: &JsResponse) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, js_name = delete, catch)]
    pub(super) fn remove(this: &Cache, url: &str) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = digest, catch)]
    pub(super) async fn digest(algorithm: &str, data: &Uint8Array) -> Result<JsValue, JsValue>;

    /// `console.log`.
    #[wasm_bindgen(js_namespace = console, js_name = log)]
    pub(super) fn console_log(message: &str);

    /// `Math.random()`.
    #[wasm_bindgen(js_namespace = Math, js_name = random)]
    pub(super) fn random() -> f64;

    /// `Date.now()`.
    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    pub(super) fn date_now() -> f64;

    /// An object of options, from its JSON.
    #[wasm_bindgen(js_namespace = JSON, js_name = parse, catch)]
    pub(super) fn json_parse(text: &str) -> Result<JsValue, JsValue>;

    /// The JSON of plain data.
    #[wasm_bindgen(js_namespace = JSON, js_name = stringify, catch)]
    pub(super) fn json_stringify(value: &JsValue) -> Result<JsValue, JsValue>;

    /// `stream.getReader()`.
    #[wasm_bindgen(extends = ReadableStream)]
    pub(super) type Readable;

    #[wasm_bindgen(method, js_name = getReader, catch)]
    pub(super) fn reader(this: &Readable) -> Result<Reader, JsValue>;

    /// `stream.tee()`: two streams.
    #[wasm_bindgen(method, js_name = tee, catch)]
    pub(super) fn split(this: &Readable) -> Result<Array, JsValue>;

    #[wasm_bindgen(method, js_name = cancel, catch)]
    pub(super) fn discard(this: &Readable) -> Result<Promise, JsValue>;

    /// `response.arrayBuffer()`.
    #[wasm_bindgen(extends = Response)]
    pub(super) type Buffered;

    #[wasm_bindgen(method, js_name = arrayBuffer, catch)]
    pub(super) async fn array_buffer(this: &Buffered) -> Result<JsValue, JsValue>;
}

// Imported when it is used: where the tests run in WebAssembly there is no such module.
#[wasm_bindgen(inline_js = "export const connect = async to => (await import('cloudflare:sockets')).connect(to)")]
extern "C" {
    /// Begins to connect to `host:port`.
    #[wasm_bindgen(catch)]
    pub(super) async fn connect(address: &str) -> Result<JsValue, JsValue>;
}

/// A property; undefined if there is none.
pub(super) fn get(object: &JsValue, name: &str) -> JsValue {
    js_sys::Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
}
