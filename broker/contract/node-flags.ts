/**
 * Node's flags for broker and controller processes, wherever they run. Their garbage is young, their live heap a few
 * megabytes, and most of their memory are buffers outside of it (docs/adr/0009):
 * - collecting in the event loop's own thread costs less than waking others for it;
 * - a small young generation is enough, and everything begins in it: what lives for half a second while a broker idles,
 *   as a fetch that waits, would teach V8 to allocate its like among the old for good;
 * - by default V8 collects the whole heap at each quarter of growth, and for each 64 MiB of new buffers: several times
 *   a second. Counted in one limit with the heap, buffers may grow by half before they are looked through.
 */
export const NODE_FLAGS: readonly string[] = [
  "--single-threaded-gc",
  "--max-semi-space-size=8",
  "--no-allocation-site-pretenuring",
  "--heap-growing-percent=300",
  "--external-memory-accounted-in-global-limit",
  "--external-memory-max-growing-factor=1.5",
  "--disable-warning=ExperimentalWarning",
];
