import type { Browser } from "playwright-core";

const paragraphs = [
  "The mill race at Ashford was dug in the winter of 1784, when the river was low and labour was cheap. It carried water for two kilometres from the weir to the great wheel.",
  "Every spring the miller opened the sluice a little further, because the stones had been dressed and the first grain of the year was waiting in the loft.",
  "In 1851 the wheel was replaced by a turbine, which turned the same stones with half the water and made the mill the most modern of the valley.",
  "The flood of 1903 destroyed the weir and buried the race under gravel. The owners borrowed money and rebuilt both within eleven months.",
  "Electric light came to the village from the mill itself: at night, when no grain was ground, the turbine drove a small dynamo.",
  "Today a society of volunteers keeps the race clear of leaves, and on the last Sunday of every month the stones turn again for visitors.",
];

/** A real PDF of several pages with real prose, printed by the browser. */
export async function makePdf(browser: Browser, pages: number): Promise<Uint8Array> {
  const page = await browser.newPage();
  const body = Array.from({ length: pages }, (_page, index) => {
    const text = paragraphs.map((_paragraph, at) => paragraphs[(at + index) % paragraphs.length]);
    return `<section style="break-after: page"><h2>Chapter ${index + 1}</h2>${text.map((line) => `<p>${line}</p>`).join("")}</section>`;
  });
  await page.setContent(
    `<title>The mill race of Ashford</title><h1>The mill race of Ashford</h1>${body.join("")}`,
  );
  const pdf = await page.pdf({ format: "A4" });
  await page.close();
  return pdf;
}
