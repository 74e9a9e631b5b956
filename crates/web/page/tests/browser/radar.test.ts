// The page in a real browser, of the real program: a session from the first picture to the server's restart, pictures
// in light, dark and on a phone, and how fast it is.
//
// Nothing here fails for being slow: figures are printed.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { accessible, chromiumPath, drawn, launch, open, PATIENCE_MS, position, screenshot, until } from "./harness.ts";
import { program, RealServer, recording } from "./real-server.ts";

const skip = !program ? "SKIPPED: RANGEGATE_PROGRAM names no program" : chromiumPath() === null ? "SKIPPED: no chromium" : false;
if (skip) console.log(skip);

let browser: Browser;
let path: string;

before(async () => {
  if (skip) return;
  path = await recording();
  browser = await launch();
});
after(async () => {
  if (!skip) await browser.close();
});

async function opened(more: string[], fragment: string, context = {}) {
  const server = await new RealServer(path, more).start();
  const result = await open(browser, server.url + fragment, context);
  result.page.setDefaultTimeout(PATIENCE_MS);
  return { server, ...result };
}

test("a session with the radar", { skip }, async () => {
  const { server, page } = await opened(["--speed", "0.5"], "");
  await page.locator("#link[data-state=open]").waitFor();
  await until("maps are drawn", async () => (await drawn(page)) > 0);
  await page.locator("#detections tbody tr").nth(20).waitFor();

  await page.locator("#play", { hasText: "Pause" }).click();
  await page.locator("#play", { hasText: "Play" }).waitFor();
  let at = -1;
  await until("it stands", async () => at === (at = await position(page)));
  const maps = await drawn(page);
  await page.locator("#step").click();
  await until("a dwell on", async () => Math.abs((await position(page)) - at - 0.02944) < 0.001);
  await until("a map more", async () => (await drawn(page)) > maps);

  const box = (await page.locator("#timeline").boundingBox())!;
  await page.locator("#timeline").click({ position: { x: box.width * 0.6, y: box.height / 2 } });
  await until("sought", async () => Math.abs((await position(page)) - 4.8) < 0.3);
  await page.locator("#speed").selectOption("1");
  await page.locator("#play", { hasText: "Play" }).click();

  await page.locator("#tab-tracks").click();
  await page.locator("#tracks tbody tr").nth(2).waitFor();
  await page.locator("#play", { hasText: "Pause" }).click();
  await page.locator("#tracks tbody tr").first().locator("button").click();
  await until("a track in the address", () => Promise.resolve(/track=\d/.test(page.url())));
  await page.locator("#tracks tr.chosen").waitFor();

  await page.locator("#floor").fill("8");
  await page.locator("#floor").press("Enter");
  await page.locator("#palette").selectOption("cividis");
  await until("the scale in the address", () => Promise.resolve(/floor=8/.test(page.url()) && /cividis/.test(page.url())));

  await page.locator("#tab-detections").click();
  await page.locator("#filter").fill("snr>20");
  const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#download").click()]);
  const lines = (await readFile(await download.path(), "utf8")).trim().split("\r\n");
  const column = lines[0]!.split(",").indexOf("snr_db");
  assert.ok(lines.length > 10, `${lines.length} lines`);
  for (const line of lines.slice(1)) assert.ok(Number(line.split(",")[column]) > 20, line);

  const { port } = server;
  await server.stop();
  await page.locator("#link[data-state=lost]").waitFor();
  const again = await new RealServer(path).start(port);
  await page.locator("#link[data-state=open]").waitFor();
  await page.locator("#notice", { hasText: "restarted" }).waitFor();
  await page.locator("#filter").fill("");
  await page.locator("#detections tbody tr").first().waitFor();
  await page.context().close();
  await again.stop();
});

const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

for (const [name, fragment, context] of [
  ["radar-light", "#theme=light&list=tracks", {}],
  ["radar-dark", "#theme=dark", {}],
  ["radar-health", "#theme=dark&list=health&scope=spectrum&hold=1", {}],
  ["radar-phone", "#theme=light", PHONE],
  ["radar-phone-dark", "#theme=dark&list=tracks", PHONE],
] as const) {
  test(`accessible, and its picture kept: ${name}`, { skip }, async () => {
    const { server, page, complaints } = await opened([], fragment, { ...context, bypassCSP: true });
    await until("tracks, and a while of waterfall", async () => (await position(page)) > 5);
    await page.locator("#play", { hasText: "Pause" }).click();
    await page.locator("#play", { hasText: "Play" }).waitFor();
    await accessible(page);
    await screenshot(page, name, name.includes("phone"));
    await page.context().close();
    await server.stop();
    assert.deepEqual(complaints, []);
  });
}

/** Maps drawn and pictures of the browser a second, over so many seconds. */
async function rates(page: Page, seconds: number): Promise<{ maps: number; frames: number }> {
  return (await page.evaluate(`new Promise((resolve) => {
    let frames = 0, first = null;
    const drawn = () => Number(document.documentElement.dataset.drawn ?? 0);
    const count = () => { frames++; requestAnimationFrame(count); };
    requestAnimationFrame(count);
    // The count is shown once a second: from one such moment to another.
    new MutationObserver(() => {
      const now = performance.now();
      if (!first) first = { now, drawn: drawn(), frames };
      else if (now - first.now > ${seconds} * 1000) {
        const s = (now - first.now) / 1000;
        resolve({ maps: (drawn() - first.drawn) / s, frames: (frames - first.frames) / s });
      }
    }).observe(document.documentElement, { attributes: true, attributeFilter: ["data-drawn"] });
  })`)) as { maps: number; frames: number };
}

test("how fast it is (figures, not a test)", { skip }, async () => {
  for (const draw of ["canvas", "webgl"]) {
    const { server, page } = await opened([], `?draw=${draw}`, { viewport: { width: 1920, height: 1080 } });
    await until("a map", async () => (await drawn(page)) > 0);
    // The recording lasts eight seconds: what is counted lies well before its end.
    const first = (await page.evaluate("performance.getEntriesByName('first-map')[0].startTime")) as number;
    const { maps, frames } = await rates(page, 3);
    const shape = await page.locator("html").getAttribute("data-cells");
    const note = await page.locator("#frames").textContent();
    console.log(`${draw}: first map ${first.toFixed(0)} ms after navigation; ${maps.toFixed(1)} maps/s of ${shape} cells, ${frames.toFixed(1)} pictures/s; ${note}`);
    await page.context().close();
    await server.stop();
  }
});
