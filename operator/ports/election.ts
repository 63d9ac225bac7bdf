/** How the one process is chosen that reconciles and has the clusters' controllers. */
export interface Election {
  /** Begins to ask for the office; handlers are called from here on. */
  start(): void;
  /** Gives the office up, so that the next one need not wait. Best effort, in time. */
  stop(): Promise<void>;
  /** Holds it and has confirmed so lately: what is not fenced by the metadata store may be done only then. */
  readonly isCertain: boolean;
  /** `host:port` of whoever holds it, as far as it is known. */
  readonly holder: string | null;
}

export interface ElectionHandlers {
  onElected(): void;
  /**
   * Somebody else holds it. While nothing can be known (the API server is away) this does not come: nobody else can
   * take over either, and a controller's decisions are fenced by its store.
   */
  onLost(): void;
}
