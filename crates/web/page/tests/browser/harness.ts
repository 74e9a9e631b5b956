// A browser for the tests: Debian's Chromium, without a graphics card.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";

/** What is waited for may take a minute: nothing depends on how fast the machine is. */
export const PATIENCE_MS = 60_000;
export const SCREENSHOTS = fileURLToPath(new URL("../../screenshots/", import.meta.url));

export function chromiumPath(): string | null {
  const candidates = [process.env.RANGEGATE_CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"];
  return candidates.find((path) => path !== undefined && existsSync(path)) ?? null;
}

export async function launch(): Promise<Browser> {
  const executablePath = chromiumPath();
  if (!executablePath) throw new Error("no chromium: apt-get install chromium, or name it in RANGEGATE_CHROMIUM");
  await mkdir(SCREENSHOTS, { recursive: true });
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
}

export interface Opened {
  page: Page;
  /** What the page complained of: errors, and what its policy forbade. */
  complaints: string[];
}

export async function open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, acceptDownloads: true, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints };
}

export function screenshot(page: Page, name: string, fullPage = false): Promise<Buffer> {
  return page.screenshot({ path: `${SCREENSHOTS}${name}.png`, fullPage, timeout: 120_000 });
}

export const position = async (page: Page) => Number(await page.locator("#timeline").getAttribute("aria-valuenow"));
export const drawn = async (page: Page) => Number(await page.evaluate("document.documentElement.dataset.drawn ?? 0"));

export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > end) assert.fail(`after a minute not yet: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

interface Axe {
  violations: { id: string; nodes: { html: string; any: { message: string }[] }[] }[];
}

/** axe-core finds nothing to complain of, and nothing reaches beyond the screen's width. */
export async function accessible(page: Page): Promise<void> {
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
  const found = (await page.evaluate("axe.run()")) as Axe;
  const text = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, any }) => `${html} ${any[0]?.message ?? ""}`).join("; ")}`);
  assert.deepEqual(text, []);
  const across = (await page.evaluate("document.documentElement.scrollWidth - innerWidth")) as number;
  assert.ok(across <= 0, `${across} pixels too wide`);
}
