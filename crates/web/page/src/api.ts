// Requests to the server, with the token where one is known.

/** A refusal or failure, in the server's words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const TOKEN_KEY = "rangegate-token";
const TIMEOUT_MS = 10_000;

export class Api {
  /** Of this start of the server (loopback) or a person's own. */
  private token: string | null = sessionStorage.getItem(TOKEN_KEY);
  /** Tokens are configured: the WebSocket needs a ticket. */
  private ticketed = false;

  async request(path: string, init: RequestInit = {}, token = this.token): Promise<Response> {
    const headers = new Headers(init.headers);
    if (token) headers.set("Authorization", `Bearer ${token}`);
    const response = await fetch(path, { ...init, headers, signal: AbortSignal.timeout(TIMEOUT_MS), cache: "no-store" });
    if (!response.ok) throw new ApiError(response.status, await messageOf(response));
    return response;
  }

  async get<T>(path: string): Promise<T> {
    return (await (await this.request(path)).json()) as T;
  }

  async post<T>(path: string, body: unknown): Promise<T> {
    const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const text = await (await this.request(path, init)).text();
    return (text === "" ? null : JSON.parse(text)) as T;
  }

  /** Gets what is needed to ask for more; an `ApiError` of 401 says that a person must give a token. */
  async open(): Promise<void> {
    if (this.ticketed) return;
    try {
      // The per-start token changes when the server restarts, which then refuses the former: this is asked without.
      const response = await this.request("/api/v1/session", {}, null);
      this.token = ((await response.json()) as { token: string }).token;
    } catch (error) {
      if (!(error instanceof ApiError) || ![401, 403, 404].includes(error.status)) throw error;
      await this.get("/api/v1/status");
      this.ticketed = true;
    }
  }

  /** Takes a token that a person gave; kept for this tab only. */
  useToken(token: string): void {
    this.token = token;
    this.ticketed = false;
    sessionStorage.setItem(TOKEN_KEY, token);
  }

  /** Address of the WebSocket. */
  async liveAddress(): Promise<string> {
    await this.open();
    const base = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/live`;
    if (!this.ticketed) return base;
    const { ticket } = await this.post<{ ticket: string }>("/api/v1/ticket", {});
    return `${base}?ticket=${encodeURIComponent(ticket)}`;
  }
}

async function messageOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const body = JSON.parse(text) as { error?: { message?: string } | string };
    const message = typeof body.error === "string" ? body.error : body.error?.message;
    if (message) return message;
  } catch {
    // Not JSON: the text itself is what there is.
  }
  return text.slice(0, 200) || `the server answered ${response.status}`;
}
