/** What the HTTP surface reports of itself. No user, tenant or path with ids ever becomes a label. */
export interface HttpMeter {
  /** `route` is a template such as `/v1/sessions/{sid}`, or `unmatched`. */
  requestFinished(request: {
    readonly method: string;
    readonly route: string;
    readonly status: number;
    readonly seconds: number;
  }): void;
  /** An event stream was opened (1) or has ended (-1). */
  streamsChanged(by: 1 | -1): void;
}
