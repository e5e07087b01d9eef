// The editor of a query: CodeMirror in place of the page's textarea, which stays as it is where this cannot load.
import {
  autocompletion, bracketMatching, defaultKeymap, drawSelection, EditorState, EditorView, HighlightStyle, history,
  historyKeymap, keymap, keywordCompletionSource, lineNumbers, Prec, schemaCompletionSource, setDiagnostics, sql,
  SQLDialect, syntaxHighlighting, syntaxTree, tags,
} from "./codemirror.js";

// What a question needs, not all that DuckDB knows: each word here is offered while one types.
const duckdb = SQLDialect.define({
  keywords: "all and anti any as asc asof between by case cast columns cross current desc distinct else end escape " +
    "except exclude exists filter first following from full group groups having ignore ilike in inner intersect is " +
    "join last lateral left like limit materialized natural not null nulls offset on or order outer over partition " +
    "pivot positional preceding qualify range recursive rename replace respect right row rows sample select semi " +
    "similar some tablesample then to try_cast unbounded union unpivot using values when where window with within",
  types: "bigint blob boolean date decimal double float hugeint integer interval json real smallint struct text time " +
    "timestamp timestamptz tinyint ubigint uinteger uuid varchar",
  builtin: "abs avg ceil coalesce concat concat_ws contains count date_diff date_part date_trunc dayname extract " +
    "floor greatest if ifnull lag lead least left length list lower lpad max median min mode monthname nullif " +
    "quantile_cont rank regexp_extract regexp_matches regexp_replace replace round row_number split_part starts_with " +
    "stddev strftime string_agg strptime substring sum trim upper year month day",
  doubleDollarQuotedStrings: true,
  operatorChars: "*+-%<>!=&|~^/:",
});

// Where a name without its database is looked for, in this order.
const ZONES = ["refined-zone", "trusted-zone", "operations", "raw-zone"];

const colours = HighlightStyle.define([
  { tag: tags.keyword, class: "sql-word" },
  { tag: tags.string, class: "sql-text" },
  { tag: tags.special(tags.string), class: "sql-name" },
  { tag: [tags.number, tags.bool, tags.null], class: "sql-number" },
  { tag: [tags.lineComment, tags.blockComment], class: "sql-comment" },
  { tag: [tags.typeName, tags.standard(tags.name)], class: "sql-known" },
]);

/**
 * Puts an editor in place of a textarea.
 *
 * `run` is called by Ctrl+Enter, `stop` by Escape where nothing else takes it, `changed` whenever the text does;
 * `pasted(text)` may take a pasted text for itself by returning true. `nonce` is the one that the page's policy
 * allows styles by. `unlearned` is called where names are wanted that `knows` was not told yet. Tab is not bound: it
 * leaves the editor.
 */
export function queryEditor(textarea, { nonce, label, run, stop, changed, pasted, unlearned }) {
  label.id ||= "query-label";
  let completed = ({ explicit }) => {
    if (explicit) unlearned();
    return null;
  };
  const view = new EditorView({
    doc: textarea.value,
    extensions: [
      EditorView.cspNonce.of(nonce),
      EditorView.contentAttributes.of({
        "aria-labelledby": label.id, "aria-describedby": "keys problem", tabindex: "0",
      }),
      EditorView.lineWrapping,
      EditorState.tabSize.of(4),
      lineNumbers(),
      drawSelection(),
      bracketMatching(),
      history(),
      sql({ dialect: duckdb }),
      syntaxHighlighting(colours),
      autocompletion({
        icons: false,
        maxRenderedOptions: 10, // a list that scrolls could not be scrolled by keyboard alone
        override: [(at) => completed(at), keywordCompletionSource(duckdb)],
      }),
      Prec.highest(keymap.of([{ key: "Mod-Enter", run: () => (run(), true) }])),
      keymap.of([...defaultKeymap.filter(({ key }) => key !== "Mod-Enter"), ...historyKeymap]),
      Prec.lowest(keymap.of([{ key: "Escape", run: stop }])),
      EditorView.domEventHandlers({ paste: (event) => pasted(event.clipboardData?.getData("text/plain") ?? "") }),
      EditorView.updateListener.of((update) => update.docChanged && changed()),
    ],
  });
  textarea.after(view.dom);
  textarea.hidden = true;
  label.addEventListener("click", () => view.focus());

  /** The place of a line and column, both from 1; of a column past the end of its line, the end. */
  function place(line, column) {
    const found = view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines));
    return Math.min(found.from + Math.max(column ?? 1, 1) - 1, found.to);
  }

  return {
    text: () => view.state.doc.toString(),
    write(text) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor: 0 } });
    },
    focus: () => view.focus(),
    knows(names) {
      completed = completions(names);
    },
    /** Underlines the word at a place, or the last one before it where the text ends there. */
    mark(line, column, message) {
      const at = place(line, column);
      const word = view.state.wordAt(at) ?? view.state.wordAt(Math.max(at - 1, 0));
      const [from, to] = word ? [word.from, word.to] : [Math.max(at - 1, 0), Math.min(at + 1, view.state.doc.length)];
      view.dispatch(setDiagnostics(view.state, [{ from, to, severity: "error", message }]));
    },
    unmark: () => view.dispatch(setDiagnostics(view.state, [])),
    goTo(line, column) {
      view.dispatch({ selection: { anchor: place(line, column) }, scrollIntoView: true });
      view.focus();
    },
  };
}

/** Offers databases, tables and columns of those that a query names. `names` is {"database.table": [[column, type]]}. */
function completions(names) {
  const schema = {};
  const tables = new Map();
  const zone = ([whole]) => ZONES.findIndex((each) => whole.includes(each));
  for (const [whole, columns] of Object.entries(names).sort((one, other) => zone(one) - zone(other))) {
    const dot = whole.lastIndexOf(".");
    const [database, table] = [whole.slice(0, Math.max(dot, 0)), whole.slice(dot + 1)];
    const children = columns.map(([name, type]) => ({ label: name, detail: type, type: "property" }));
    const self = { label: table, detail: database, type: "class", boost: shortness(table) };
    // The first of a name is the one that a query without its database gets.
    if (!tables.has(table)) {
      tables.set(table, children);
      schema[table.replaceAll(".", "\\.")] = { self, children };
    }
    if (database) {
      const inside = database.replaceAll(".", "\\.");
      schema[inside] ??= { self: { label: database, detail: "database", type: "namespace" }, children: {} };
      schema[inside].children[table.replaceAll(".", "\\.")] = { self, children };
    }
  }
  const ofSchema = schemaCompletionSource({ dialect: duckdb, schema });
  return (context) => {
    const found = ofSchema(context);
    const columns = columnsAt(context, tables);
    if (!columns || !found) return found;
    return { ...found, options: [...columns, ...found.options] };
  };
}

/** Of names that fit alike the shorter one comes first: `fees` before `fee_payments`, whatever is typed of both. */
const shortness = (name) => -Math.min(name.length, 60) / 8;

/** The columns of all tables that the text names, for a word alone; null after a dot, where those of one table fit. */
function columnsAt(context, tables) {
  const inside = syntaxTree(context.state).resolveInner(context.pos, -1).name;
  const before = context.matchBefore(/[\w"]*/);
  if (/String|Comment/.test(inside) || context.state.sliceDoc(before.from - 1, before.from) === ".") return null;
  const quoted = context.state.sliceDoc(before.from, before.from + 1) === '"';
  const options = new Map();
  for (const [word, name] of context.state.doc.toString().matchAll(/"([^"]+)"|[\p{L}_][\p{L}\d_]*/gu)) {
    for (const column of tables.get(name ?? word.toLowerCase()) ?? []) {
      const plain = /^[a-z_][a-z_\d]*$/.test(column.label);
      const apply = plain && !quoted ? column.label : `"${column.label.replaceAll('"', '""')}"`;
      options.set(column.label, { ...column, apply, boost: 10 + shortness(column.label) });
    }
  }
  return [...options.values()];
}
