// The real program, serving a recording that it made itself.
//
// RANGEGATE_PROGRAM names the program; RANGEGATE_PAGE_RECORDING a recording of tests/radar/scene.toml, or where to make one.

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const RADAR = fileURLToPath(new URL("../radar/", import.meta.url));
export const program = process.env.RANGEGATE_PROGRAM;

/** The recording, made where it is missing. */
export async function recording(): Promise<string> {
  const named = process.env.RANGEGATE_PAGE_RECORDING;
  const path = named ?? `${await mkdtemp(`${tmpdir()}/rangegate-page-`)}/coast.sigmf-meta`;
  if (!existsSync(path)) await promisify(execFile)(program!, ["-q", "simulate", `${RADAR}scene.toml`, "--out", path]);
  return path;
}

export class RealServer {
  url = "";
  private child: ChildProcess | undefined;

  constructor(
    private readonly recording: string,
    private readonly more: string[] = [],
  ) {}

  /** On a port, or on any that is free. */
  async start(port = 0): Promise<this> {
    const listen = ["--config", `${RADAR}config.toml`, "--listen", `127.0.0.1:${port}`];
    const child = spawn(program!, ["serve", this.recording, ...listen, ...this.more], { stdio: ["ignore", "ignore", "pipe"] });
    this.child = child;
    this.url = await new Promise<string>((resolve, reject) => {
      const said: string[] = [];
      createInterface(child.stderr!).on("line", (line) => {
        said.push(line);
        const url = /the live view is at (\S+)/.exec(line)?.[1];
        if (url) resolve(url);
      });
      child.on("exit", () => reject(new Error(`the server ended: ${said.join("\n")}`)));
    });
    return this;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await ended;
  }
}
