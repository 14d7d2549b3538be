/** Names every test that was skipped, at the end, where it is seen. */
import type { Reporter, TestModule } from "vitest/node";

export class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const names = modules.flatMap((module) =>
      [...module.children.allTests("skipped")].map(({ fullName }) => `  ${module.relativeModuleId}: ${fullName}`),
    );
    if (names.length > 0) console.log(`\nSkipped:\n${names.sort().join("\n")}`);
  }
}
