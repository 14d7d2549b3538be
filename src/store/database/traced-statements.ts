/** Tells of the statements that a connection runs, while somebody wants to know. */
import type Database from "better-sqlite3";
import { type DiagnosticListener, diagnosticListener } from "../../diagnostics.ts";

type Call = (...values: readonly unknown[]) => unknown;

/** Without a listener the connection stays as it is. */
export function traceStatements(database: Database.Database): void {
  const listener = diagnosticListener();
  if (listener === undefined) return;
  const prepare = database.prepare.bind(database);
  const planned = new Set<string>();
  const tellPlan = (sql: string, values: readonly unknown[]): void => {
    if (listener.onPlan === undefined || planned.has(sql) || !HAS_PLAN.test(sql)) return;
    planned.add(sql);
    const plan = prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values) as { readonly detail: string }[];
    listener.onPlan(
      sql,
      plan.map(({ detail }) => detail),
    );
  };
  replace(database, "prepare", (sql) => {
    const statement = prepare(sql as string);
    for (const method of ["get", "all", "run", "iterate"] as const)
      replace(statement, method, telling(statement, method, listener, tellPlan));
    return statement;
  });
  const exec = database.exec.bind(database);
  replace(database, "exec", (sql) => {
    const end = listener.onStatement(sql as string);
    exec(sql as string);
    end(0);
    return database;
  });
}

const HAS_PLAN = /^\s*(?:SELECT|WITH|INSERT|UPDATE|DELETE)\b/i;

function telling(
  statement: Database.Statement,
  method: "get" | "all" | "run" | "iterate",
  listener: DiagnosticListener,
  tellPlan: (sql: string, values: readonly unknown[]) => void,
): Call {
  const call = (statement[method] as Call).bind(statement);
  return (...values) => {
    tellPlan(statement.source, values);
    const end = listener.onStatement(statement.source);
    const result = call(...values);
    if (method === "iterate") return counting(result as IterableIterator<unknown>, end);
    end(Array.isArray(result) ? result.length : result === undefined ? 0 : 1);
    return result;
  };
}

/** The rows as they come; the time is that of whoever takes them, too. */
function* counting(rows: IterableIterator<unknown>, end: (rows: number) => void): Generator<unknown> {
  let count = 0;
  try {
    for (const row of rows) {
      count++;
      yield row;
    }
  } finally {
    end(count);
  }
}

function replace(owner: object, name: string, value: Call): void {
  Object.defineProperty(owner, name, { value });
}
