/** What tells one kernel's page cache, and one mount, from another's. */
export interface HostIdentity {
  /** Changes when the kernel starts. */
  readonly bootId: string;
  /** Device number of the folder's file system. */
  readonly device: string;
  /** Number of the mount that the folder lies on; "" where the system does not tell. */
  readonly mountId: string;
}
