// SPDX-License-Identifier: Apache-2.0
//
// A report that the page has read as text, for a frame of the page's own origin. Such a frame has the
// page's content security policy, which allows no inline styles; so the report's style sheets are
// taken out of the text and given to the frame's document as objects, which the policy allows:
// whatever else is in the text stays without effect. They are found in the text, not by parsing it:
// a document that is only parsed is under the policy, too, and the browser would complain.

export interface ReportText {
  html: string; // without styles
  styles: string[];
}

const STYLE = /<style[^>]*>([^<]*)<\/style>/g;

export function reportText(html: string): ReportText {
  const styles: string[] = [];
  const rest = html.replace(STYLE, (_, text: string) => {
    styles.push(text);
    return "";
  });
  return { html: rest, styles };
}

/** The frame's document gets what reportText took out. */
export function adoptStyles(report: Document, styles: string[]): void {
  const frame = report.defaultView;
  if (!frame) return;
  report.adoptedStyleSheets = styles.map((text) => {
    const sheet = new (frame as unknown as typeof globalThis).CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  });
}
