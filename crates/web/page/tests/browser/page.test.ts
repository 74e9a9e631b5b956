// The page in a real browser, against the mock server.
//
// Nothing here depends on how fast the machine is: what is waited for may take a minute.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { MockServer } from "../mock-server.ts";
import { accessible, chromiumPath, drawn, launch, open, PATIENCE_MS, position, screenshot, until } from "./harness.ts";

const skip = chromiumPath() === null ? "SKIPPED: no chromium (apt-get install chromium)" : false;
if (skip) console.log(skip);

let browser: Browser;
let server: MockServer;

before(async () => {
  if (!skip) browser = await launch();
});
after(async () => {
  if (!skip) await browser.close();
});

async function opened(options: ConstructorParameters<typeof MockServer>[0], fragment = "", context = {}) {
  server = await new MockServer({ speed: 0.5, ...options }).start();
  const result = await open(browser, `http://127.0.0.1:${server.port}/${fragment}`, context);
  result.page.setDefaultTimeout(PATIENCE_MS);
  return result;
}

async function closed(page: Page, complaints: string[]): Promise<void> {
  await page.context().close();
  await server.stop();
  assert.deepEqual(complaints, []);
}

/** Waits until the address has something in it, or has not. */
const address = (page: Page, part: RegExp, has = true) =>
  until(`${String(part)} in ${page.url()}: ${String(has)}`, () => Promise.resolve(part.test(page.url()) === has));

test("a replay is watched, paused, stepped, sought, and its speed set", { skip }, async () => {
  const { page, complaints } = await opened({});
  await page.locator("#link[data-state=open]").waitFor();
  await page.locator("#detections tbody tr").first().waitFor();
  await until("maps are drawn", async () => (await drawn(page)) > 0);
  await page.locator("#play", { hasText: "Pause" }).click();
  await page.locator("#play", { hasText: "Play" }).waitFor();
  const paused = await position(page);
  await page.locator("#step").click();
  await until("a step on", async () => (await position(page)) > paused);
  assert.ok((await position(page)) - paused < 0.2);
  await page.locator("#timeline").click({ position: { x: 300, y: 15 } });
  await until("sought", async () => Math.abs((await position(page)) - paused) > 5);
  await page.locator("#speed").selectOption("2");
  await page.keyboard.press("Escape");
  await page.locator("#timeline").focus();
  const before = await position(page);
  await page.keyboard.press("ArrowRight");
  await until("sought by key", async () => (await position(page)) > before);
  await page.keyboard.press("Home");
  await until("at the beginning", async () => (await position(page)) === 0);
  await page.locator("#help-button").focus();
  await page.keyboard.press(" ");
  await page.locator("#help[open]").waitFor();
  await page.keyboard.press("Escape");
  // With the focus on a button a space would press that.
  await page.locator("h1").click();
  await page.keyboard.press(" ");
  await page.locator("#play", { hasText: "Pause" }).waitFor();
  const actions = server.posts.map(({ body }) => (body as { action: string }).action);
  for (const action of ["pause", "step", "seek", "speed", "resume"]) assert.ok(actions.includes(action), action);
  await closed(page, complaints);
});

test("a track is chosen in the table and on the map of range and Doppler", { skip }, async () => {
  const { page, complaints } = await opened({}, "#list=tracks");
  await page.locator("#tracks tbody tr").nth(4).waitFor();
  server.setState("paused");
  await page.locator("#tracks tbody tr", { hasText: /^2/ }).locator("button").click();
  await address(page, /track=2/);
  await page.locator("#tracks tr.chosen").waitFor();
  await page.keyboard.press("Escape");
  await address(page, /track=/, false);
  // Where the plot has track 1: its range and rate stand in the table, its axes go over all.
  const cells = await page.locator("#tracks tbody tr").first().locator("td").allTextContents();
  const range_m = Number(cells[4]);
  const rate = Number(cells[5]!.replace("−", "-"));
  const box = (await page.locator("#doppler canvas").last().boundingBox())!;
  const plot = { x: 52, y: 6, width: box.width - 62, height: box.height - 36 };
  const x = plot.x + ((range_m - 285) / (1024 * 30)) * plot.width;
  const y = plot.y + (1 - (rate + 130.5) / 260) * plot.height;
  await page.locator("#doppler canvas").last().click({ position: { x, y } });
  await address(page, /track=1/);
  await closed(page, complaints);
});

test("the colour scale, the marks and the zoom are set, and stand in the address", { skip }, async () => {
  const { page, complaints } = await opened({});
  await until("a map", async () => (await drawn(page)) > 0);
  server.setState("paused");
  await page.locator("#floor").fill("5");
  await page.locator("#floor").press("Enter");
  await page.locator("#palette").selectOption("cividis");
  await page.locator("#show-truth").uncheck();
  await page.locator("#hold").check();
  await page.locator("#doppler canvas").last().focus();
  await page.keyboard.press("+");
  for (const part of [/floor=5/, /palette=cividis/, /truth=0/, /hold=1/, /range=/]) await address(page, part);
  assert.equal(await page.locator("#scale-auto").getAttribute("aria-pressed"), "false");
  // The same address shows the same view.
  await page.reload();
  assert.equal(await page.locator("#floor").inputValue(), "5");
  assert.equal(await page.locator("#palette").inputValue(), "cividis");
  assert.equal(await page.locator("#hold").isChecked(), true);
  await page.locator("#scale-auto").click();
  await page.locator("#zoom-out").click();
  await address(page, /floor|range/, false);
  await closed(page, complaints);
});

test("values are shown where one points, by mouse and by keys", { skip }, async () => {
  const { page, complaints } = await opened({});
  await until("a map", async () => (await drawn(page)) > 0);
  server.setState("paused");
  const canvas = page.locator("#doppler canvas").last();
  await canvas.hover({ position: { x: 300, y: 120 } });
  await page.locator("#doppler-readout", { hasText: /km.+m\/s.+dB SNR/ }).waitFor();
  await page.mouse.move(5, 5);
  await canvas.focus();
  await page.keyboard.press("ArrowRight");
  await page.locator("#doppler-readout", { hasText: /dB SNR/ }).waitFor();
  await page.locator("#scope-readout", { hasText: /dB/ }).waitFor();
  await closed(page, complaints);
});

test("the table is sorted, filtered and downloaded", { skip }, async () => {
  const { page, complaints } = await opened({});
  await page.locator("#detections tbody tr").nth(30).waitFor();
  server.setState("paused");
  await page.locator("#detections th button", { hasText: "SNR" }).click();
  await page.locator("#detections th button", { hasText: "SNR" }).click();
  await page.locator("#detections th[aria-sort=descending]", { hasText: "SNR" }).waitFor();
  const snr = async () => (await page.locator("#detections tbody td:nth-child(5)").allTextContents()).map(Number);
  await until("sorted", async () => {
    const values = await snr();
    return values.length > 0 && values.every((value, index) => index === 0 || value <= values[index - 1]!);
  });
  await page.locator("#filter").fill("snr>25");
  await until("filtered", async () => (await snr()).every((value) => value >= 25));
  const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#download").click()]);
  assert.equal(download.suggestedFilename(), "detections.csv");
  const lines = (await readFile(await download.path(), "utf8")).trim().split("\r\n");
  assert.match(lines[0]!, /^t_s,whose,utc,range_m,/);
  const column = lines[0]!.split(",").indexOf("snr_db");
  assert.ok(lines.length > 2);
  for (const line of lines.slice(1)) assert.ok(Number(line.split(",")[column]) > 25);
  await closed(page, complaints);
});

test("after the server's restart the page connects again and says so", { skip }, async () => {
  const { page } = await opened({});
  await page.locator("#detections tbody tr").first().waitFor();
  const { port } = server;
  await server.stop();
  await page.locator("#link[data-state=lost]").waitFor();
  server = await new MockServer({ port, session: "mock-2", speed: 0.5 }).start();
  await page.locator("#link[data-state=open]").waitFor();
  await page.locator("#notice", { hasText: "restarted" }).waitFor();
  await page.locator("#detections tbody tr").first().waitFor();
  // A refused connection is a complaint of the browser's, and meant.
  await page.context().close();
  await server.stop();
});

test("the archive is a source of the same views", { skip }, async () => {
  const { page, complaints } = await opened({}, "#source=archive&theme=dark");
  await page.locator("#archive-note", { hasText: /detections, \d+ tracks/ }).waitFor();
  assert.ok((await page.locator("#detections tbody tr").count()) > 50);
  await page.locator("#to").fill("2026-11-22T10:00:10");
  await page.locator("#archive button").click();
  await address(page, /to=2026/);
  await screenshot(page, "archive");
  await page.locator("#source").selectOption("live");
  await page.locator("#replay").waitFor();
  await closed(page, complaints);
});

test("where a token is asked for, a person gives it", { skip }, async () => {
  const { page } = await opened({ token: "right" });
  await page.locator("#token-dialog[open]").waitFor();
  await page.locator("#token").fill("wrong");
  await page.locator("#token-form button").click();
  await page.locator("#token-dialog[open]").waitFor();
  await page.locator("#token").fill("right");
  await page.locator("#token-form button").click();
  await page.locator("#link[data-state=open]").waitFor();
  assert.ok(server.posts.some(({ path }) => path === "/api/v1/ticket"));
  // Refusals are complaints of the browser's, and meant.
  await page.context().close();
  await server.stop();
});

test("the archive’s window is dragged, moved by keys and zoomed, and stands in the address", { skip }, async () => {
  const { page, complaints } = await opened({ duration_s: 7200 }, "#source=archive");
  await page.locator("#archive-note", { hasText: /detections, \d+ tracks/ }).waitFor();
  const slider = page.locator("#slider");
  const now = async () => Number(await slider.getAttribute("aria-valuenow"));
  const box = (await slider.boundingBox())!;
  // The window is the last twentieth: it is taken hold of in its middle and dragged to the middle of the line.
  const [middle, y] = [box.x + box.width * 0.975, box.y + 20];
  const before = await now();
  await page.mouse.move(middle, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.7, y, { steps: 5 });
  await page.mouse.move(box.x + box.width * 0.5, y, { steps: 5 });
  await page.mouse.up();
  await until("dragged", async () => before - (await now()) > 3000);
  await until("what was in it is shown", async () => Math.abs(Number(await page.locator("#archive-note").getAttribute("data-from")) - (await now())) < 1);
  await address(page, /from=.*to=/);
  await slider.focus();
  const dragged = await now();
  await page.keyboard.press("Shift+ArrowRight");
  await until("a window on", async () => Math.abs((await now()) - dragged - 360) < 2);
  await page.keyboard.press("+");
  await address(page, /seen=/);
  await page.locator("#zooms button", { hasText: "10 min" }).click();
  await page.locator("#zooms button[aria-pressed=true]", { hasText: "10 min" }).waitFor();
  await page.keyboard.press("Home");
  await page.locator("#zooms button", { hasText: "hour" }).focus();
  await page.keyboard.press("Enter");
  const place = await now();
  // Beside the window: it comes there; and a stretch that is drawn anew.
  await until("the address", () => Promise.resolve(/seen=/.test(page.url())));
  await page.reload();
  await page.locator("#archive-note", { hasText: /detections, \d+ tracks/ }).waitFor();
  await until("the same window", async () => Math.abs((await now()) - place) < 1.5);
  await screenshot(page, "slider");
  await page.keyboard.press("0");
  await closed(page, complaints);
});

test("layers of two owners are switched, and stand in the address", { skip }, async () => {
  const { page, complaints } = await opened({ exchange: true }, "#list=exchange");
  await page.locator("#accounts td.bad", { hasText: "stopped since" }).waitFor();
  assert.equal(await page.locator("#doppler-panel").isVisible(), false);
  await page.locator("#layers label", { hasText: "common picture" }).waitFor();
  await page.locator("#layers label", { hasText: "coverage" }).waitFor();
  const boxes = await page.locator("#layers label").allTextContents();
  assert.deepEqual(boxes, ["North · north", "South · south", "common picture", "alerts", "coverage"]);
  await page.locator("#alerts button", { hasText: "new object" }).click();
  await address(page, /track=/);
  await page.locator('#layers input[data-layer="by:north"]').uncheck();
  await page.locator('#layers input[data-layer="coverage"]').uncheck();
  await address(page, /hide=by%3Anorth%2Ccoverage/);
  assert.equal(await page.locator("#altitude").isVisible(), false);
  await page.reload();
  await page.locator('#layers input[data-layer="by:north"]').waitFor();
  await until("as it was", async () => !(await page.locator('#layers input[data-layer="by:north"]').isChecked()));
  await page.locator('#layers input[data-layer="coverage"]').check();
  await page.locator("#altitude").selectOption("5000");
  await address(page, /altitude=5000/);
  await page.locator("#tab-tracks").click();
  await page.locator("#tracks tbody td:nth-child(2)", { hasText: "South · south" }).first().waitFor();
  await closed(page, complaints);
});

for (const [name, fragment, context] of [
  ["exchange-light", "#theme=light&list=exchange&altitude=5000", {}],
  ["exchange-dark", "#theme=dark&list=tracks", {}],
  ["exchange-phone", "#theme=light&list=exchange", { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true }],
  ["slider-dark", "#theme=dark&source=archive", {}],
  ["slider-phone", "#theme=light&source=archive", { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true }],
] as const) {
  test(`accessible, and its picture kept: ${name}`, { skip }, async () => {
    const { page, complaints } = await opened({ exchange: name.startsWith("exchange"), duration_s: 7200 }, fragment, { ...context, bypassCSP: true });
    await page.locator(name.startsWith("slider") ? "#zooms button[aria-pressed=true]" : "#layers label").first().waitFor();
    await page.locator("#list-panel tbody tr").first().waitFor({ state: "attached" });
    await page.waitForTimeout(1000);
    await accessible(page);
    await screenshot(page, name, name.endsWith("phone"));
    await closed(page, complaints);
  });
}

for (const [name, fragment, context] of [
  ["light", "#theme=light&list=tracks&track=2", {}],
  ["dark", "#theme=dark&palette=cividis", {}],
  ["health", "#theme=dark&list=health&scope=spectrum", {}],
  ["phone", "#theme=light", { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true }],
  ["wide", "#theme=dark&palette=inferno&hold=1", { viewport: { width: 1920, height: 1080 } }],
] as const) {
  test(`accessible, and its picture kept: ${name}`, { skip }, async () => {
    const { page, complaints } = await opened({}, fragment, { ...context, bypassCSP: true });
    await until("a map", async () => (await drawn(page)) > 8);
    server.setState("paused");
    await until("the coastline", async () => {
      const seen = await page.evaluate("performance.getEntriesByName(location.origin + '/coastline.json').length");
      return seen === 1;
    });
    await accessible(page);
    await screenshot(page, name);
    if (name === "phone") {
      await page.locator("#list-panel").scrollIntoViewIfNeeded();
      await screenshot(page, "phone-lists");
    }
    if (name === "light") {
      await page.keyboard.press("?");
      await page.locator("#help[open]").waitFor();
      await screenshot(page, "help");
    }
    await closed(page, complaints);
  });
}
