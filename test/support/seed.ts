/** Before each file: properties try the same cases in every run, so that a change is judged by what it changed; EXIM_PILOT_SEED has others tried. */
import fc from "fast-check";

fc.configureGlobal({ seed: Number(process.env["EXIM_PILOT_SEED"] ?? 1) });
