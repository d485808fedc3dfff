// What the machine can do: processes that only pull cold memory out of other processes with process_vm_readv, message after message
// into the same buffer. The limit for one copy by the receiver, and what 'onecopy demo' is held against.
// gcc -O2 bench/limits/pull.c -o /tmp/pull && /tmp/pull [PULLERS] [KIB A MESSAGE]
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_PULLERS = 16, ROUNDS = 40 };
static const size_t source_bytes = 55u << 20;
static const size_t piece = 512u << 10;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static char *touched_huge_pages(size_t n)
{
    const size_t huge = 2u << 20;
    char *m = mmap(NULL, n + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (m == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    m = (char *)(((unsigned long)m + huge - 1) & ~(huge - 1));
    madvise(m, n, MADV_HUGEPAGE);
    memset(m, 1, n);
    return m;
}

static double pull(pid_t source, char *from, size_t message)
{
    char *to = touched_huge_pages(message);
    double seconds = 0;
    for (int round = 0; round <= ROUNDS; round++) {
        double start = now();
        for (size_t at = 0; at + message <= source_bytes; at += message) {
            for (size_t done = 0; done < message; done += piece) {
                size_t n = message - done < piece ? message - done : piece;
                struct iovec local = {to + done, n}, remote = {from + at + done, n};
                if (process_vm_readv(source, &local, 1, &remote, 1, 0) != (ssize_t)n) {
                    perror("process_vm_readv");
                    exit(1);
                }
            }
        }
        if (round > 0) // The first warms up.
            seconds += now() - start;
    }
    return (double)(source_bytes / message * message) * ROUNDS / seconds / 1e9;
}

int main(int argc, char **argv)
{
    int pullers = argc > 1 ? atoi(argv[1]) : 2;
    size_t message = (size_t)(argc > 2 ? atoi(argv[2]) : 320) << 10;
    if (pullers < 1 || pullers > MAX_PULLERS || message == 0 || message > source_bytes)
        return fprintf(stderr, "usage: pull [1..%d pullers] [KiB a message]\n", MAX_PULLERS), 2;
    pid_t sources[MAX_PULLERS];
    char *memory[MAX_PULLERS];
    int results[2];
    if (pipe(results))
        return perror("pipe"), 1;
    for (int i = 0; i < pullers; i++) {
        int ready[2];
        if (pipe(ready))
            return perror("pipe"), 1;
        if ((sources[i] = fork()) == 0) {
            char *m = touched_huge_pages(source_bytes);
            if (write(ready[1], &m, sizeof m) != sizeof m)
                _exit(1);
            pause();
            _exit(0);
        }
        if (read(ready[0], &memory[i], sizeof memory[i]) != sizeof memory[i])
            return fprintf(stderr, "a source died\n"), 1;
    }
    for (int i = 0; i < pullers; i++)
        if (fork() == 0) {
            double rate = pull(sources[i], memory[i], message);
            _exit(write(results[1], &rate, sizeof rate) != sizeof rate);
        }
    double sum = 0;
    for (int i = 0; i < pullers; i++) {
        double rate = 0;
        if (read(results[0], &rate, sizeof rate) != sizeof rate)
            return 1;
        sum += rate;
    }
    for (int i = 0; i < pullers; i++)
        kill(sources[i], 9);
    printf("%d processes, %zu KiB a message: %.1f GB/s together\n", pullers, message >> 10, sum);
    return 0;
}
