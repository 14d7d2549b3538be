/** Names every test that was skipped, at the end, where it is seen. */
import type { Reporter, TestModule } from "vitest/node";

// biome-ignore lint/style/noDefaultExport: what vitest asks of a reporter.
export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const names = modules.flatMap((module) =>
      [...module.children.allTests("skipped")].map(({ fullName }) => `  ${module.relativeModuleId}: ${fullName}`),
    );
    if (names.length > 0) console.log(`\nSkipped:\n${names.sort().join("\n")}`);
  }
}
