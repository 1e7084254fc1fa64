/** The whole style of /docs. It is named by its hash in the page's Content-Security-Policy. */
export const DOCS_STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --card: #ffffff; --ink: #1f2328; --soft: #626a73; --line: #e4e0d8;
  --tint: #f3f0e9; --accent: #a4372d; --link: #8d2f26; --code: #f5f2ec;
  --get: #1e6b52; --post: #8a5a00; --put: #2f5f9e; --patch: #6a4a9c; --delete: #a4372d; --any: #4a5560;
  --radius: 10px;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, monospace;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --card: #1b1f23; --ink: #e6e4df; --soft: #9aa2ab; --line: #2d3339;
    --tint: #20252a; --accent: #e0776b; --link: #eb9a90; --code: #161a1e;
    --get: #5cc29f; --post: #dcab55; --put: #7fb0ef; --patch: #b699ea; --delete: #ee8a80; --any: #a5b0bb;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1.5rem; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.6 var(--sans); }
a { color: var(--link); text-underline-offset: 2px; }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
code, pre, .path, .badge { font-family: var(--mono); }
code { font-size: .88em; background: var(--tint); padding: .08em .35em; border-radius: 4px; overflow-wrap: anywhere; }
pre { margin: 0; padding: .9rem 1rem; background: var(--code); border: 1px solid var(--line); border-radius: 8px;
  font-size: .82rem; line-height: 1.5; overflow-x: auto; }
pre code { background: none; padding: 0; font-size: inherit; overflow-wrap: normal; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 1rem; top: 1rem; background: var(--card); padding: .5rem 1rem; z-index: 2; }
.frame { display: grid; grid-template-columns: 17.5rem minmax(0, 1fr); max-width: 84rem; margin: 0 auto; }
nav { position: sticky; top: 0; align-self: start; height: 100vh; overflow-y: auto; padding: 1.6rem 1rem 2rem 1.5rem;
  border-right: 1px solid var(--line); font-size: .875rem; }
nav .brand { display: flex; align-items: center; gap: .55rem; font-size: 1.1rem; font-weight: 650; letter-spacing: .01em; color: var(--ink);
  text-decoration: none; margin-bottom: 1.2rem; }
nav .brand svg { width: 1.35rem; height: 1.35rem; stroke: var(--accent); fill: none; stroke-width: 2; stroke-linecap: round; }
nav h2 { margin: 1.3rem 0 .35rem; font-size: .7rem; font-weight: 650; letter-spacing: .09em; text-transform: uppercase;
  color: var(--soft); }
nav h2 a { color: inherit; text-decoration: none; }
nav h2 a:hover { color: var(--accent); }
nav ul { list-style: none; margin: 0; padding: 0; }
nav li a { display: block; padding: .18rem .5rem; margin-left: -.5rem; border-radius: 6px; color: var(--ink);
  text-decoration: none; line-height: 1.4; }
nav li a:hover { background: var(--tint); }
main { padding: 2.4rem 2.5rem 6rem; min-width: 0; }
header h1 { margin: 0; font-size: 2.1rem; line-height: 1.2; letter-spacing: -.015em; }
header .version { color: var(--soft); font-size: .9rem; margin: .35rem 0 1.1rem; }
header p { max-width: 46rem; }
.intro { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 1rem; margin: 1.6rem 0 0; }
.intro > div { border: 1px solid var(--line); border-radius: var(--radius); background: var(--card); padding: 1rem 1.15rem; }
.intro h3 { margin: 0 0 .3rem; font-size: .95rem; }
.intro p { margin: 0; font-size: .9rem; color: var(--soft); }
main section > h2 { margin: 3.4rem 0 1rem; font-size: 1.4rem; letter-spacing: -.01em; }
article { margin: 0 0 .9rem; border: 1px solid var(--line); border-radius: var(--radius); background: var(--card);
  overflow: hidden; }
article:has(:target), tr:target { border-color: var(--accent); box-shadow: 0 0 0 1px var(--accent); }
article > details > summary { display: flex; flex-wrap: wrap; align-items: baseline; gap: .3rem .8rem; padding: .85rem 1.15rem;
  cursor: pointer; list-style: none; }
article > details > summary::-webkit-details-marker { display: none; }
article > details > summary:hover { background: var(--tint); }
article > details > summary::after { content: "+"; margin-left: auto; color: var(--soft); font-family: var(--mono); }
article > details[open] > summary::after { content: "\\2212"; }
article > details[open] > summary { border-bottom: 1px solid var(--line); }
.badge { flex: none; min-width: 4.2rem; font-size: .74rem; font-weight: 700; letter-spacing: .04em; }
.get { color: var(--get); } .post { color: var(--post); } .put { color: var(--put); }
.patch { color: var(--patch); } .delete { color: var(--delete); } .any { color: var(--any); }
.path { font-size: .92rem; font-weight: 600; overflow-wrap: anywhere; }
.what { color: var(--soft); font-size: .9rem; }
.inside { padding: 1.1rem 1.15rem 1.3rem; scroll-margin-top: 4.5rem; }
.inside > p { margin: 0; max-width: 46rem; }
.pair pre { max-height: 26rem; overflow-y: auto; }
.who { display: inline-block; margin: 0 0 .9rem; padding: .1rem .6rem; border: 1px solid var(--line); border-radius: 99px;
  font-size: .78rem; color: var(--soft); }
h4 { margin: 1.3rem 0 .45rem; font-size: .78rem; letter-spacing: .07em; text-transform: uppercase; color: var(--soft); }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: .9rem; }
.pair > div { min-width: 0; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .88rem; }
th { text-align: left; font-weight: 600; color: var(--soft); font-size: .76rem; padding: .3rem .8rem .3rem 0; }
td { vertical-align: top; padding: .45rem .8rem .45rem 0; border-top: 1px solid var(--line); }
td.name { white-space: nowrap; }
td.name small { color: var(--accent); margin-left: .35rem; }
td.type { color: var(--soft); font-family: var(--mono); font-size: .8rem; }
.codes { display: flex; flex-wrap: wrap; gap: .4rem; padding: 0; margin: 0; list-style: none; font-size: .84rem; }
.codes a { display: inline-block; padding: .1rem .55rem; border: 1px solid var(--line); border-radius: 99px;
  text-decoration: none; font-family: var(--mono); font-size: .76rem; color: var(--ink); }
.codes a b { color: var(--soft); font-weight: 600; margin-right: .35rem; }
.codes a:hover { border-color: var(--accent); }
footer { margin-top: 4rem; color: var(--soft); font-size: .85rem; }
@media (max-width: 60rem) {
  .frame { grid-template-columns: minmax(0, 1fr); }
  nav { position: static; height: auto; border-right: 0; border-bottom: 1px solid var(--line); padding: 1.2rem; }
  nav ul { display: none; }
  nav div { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; }
  nav h2 { margin: .2rem 0; }
  nav .brand { margin-bottom: .6rem; }
  main { padding: 1.6rem 1.2rem 4rem; }
}
@media print { nav { display: none; } .frame { display: block; } article { break-inside: avoid; } }
`;
