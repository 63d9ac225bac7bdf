/*
 * hold-memory SPARED_BYTES: touches all memory that is available but SPARED_BYTES, frees it again except one page of
 * every MiB, says how many pages it keeps, and keeps them until its input ends.
 *
 * A hypervisor that takes free memory back (free page reporting of virtio-balloon) takes it in blocks of 2 MiB, and
 * whoever writes there next pays for the fault. With a page held in each MiB no such block is ever free. The pages are
 * given to pipes, since the kernel moves others together to make large blocks free again.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, PIPE_PAGES = 256 };
static const size_t stride = 1 << 20;

static int fail(const char *what) {
  perror(what);
  return 1;
}

static size_t available_bytes(void) {
  char line[128];
  unsigned long long kilobytes = 0;
  FILE *file = fopen("/proc/meminfo", "r");
  if (file == NULL) return 0;
  while (fgets(line, sizeof line, file) != NULL && sscanf(line, "MemAvailable: %llu", &kilobytes) != 1) {
  }
  fclose(file);
  return kilobytes * 1024;
}

/* Gives one page of every MiB to pipes that hold PIPE_PAGES each; how many, or -1. */
static long keep_pages(char *memory, size_t bytes) {
  long kept = 0;
  int ends[2];
  for (size_t at = 0; at + PAGE_BYTES <= bytes; at += stride, kept++) {
    if (kept % PIPE_PAGES == 0) {
      if (pipe(ends) != 0 || fcntl(ends[1], F_SETPIPE_SZ, PIPE_PAGES * PAGE_BYTES) < 0) return -1;
    }
    struct iovec page = {memory + at, PAGE_BYTES};
    if (vmsplice(ends[1], &page, 1, SPLICE_F_NONBLOCK) != PAGE_BYTES) return -1;
  }
  return kept;
}

int main(int argc, char **argv) {
  size_t available = available_bytes(), spared = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
  if (available <= spared) return fputs("too little memory is available\n", stderr), 1;
  size_t bytes = available - spared;
  struct rlimit files = {65536, 65536};
  setrlimit(RLIMIT_NOFILE, &files);
  char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return fail("mmap");
  madvise(memory, bytes, MADV_NOHUGEPAGE);
  for (size_t at = 0; at < bytes; at += PAGE_BYTES) memory[at] = 1;
  long kept = keep_pages(memory, bytes);
  if (kept < 0) return fail("a pipe's pages");
  munmap(memory, bytes);
  printf("%ld\n", kept);
  fflush(stdout);
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}
