// What all peers share: the arguments, the two processes, the phases of a run, what is timed, the check of the bytes, the line of JSON.
// A peer fills in a peer_system and calls peer_main. The contract is in README.md.
#ifndef PEER_H
#define PEER_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PEER_FAILED = 1, PEER_USAGE = 2, PEER_UNABLE = 3 }; // exit codes
enum { PEER_WATCHDOG_SECONDS = 120, PEER_SCRATCH = 64 << 10 };
static const long peer_checked_most = 4; // messages of the warm-up
enum { PEER_SENDER = 0, PEER_RECEIVER = 1 };

typedef struct {
    uint64_t start_ns, end_ns;
    double cpu_before, cpu_after;
} peer_times;

// In memory that both processes have.
typedef struct {
    uint32_t arrivals; // at peer_meet
    char pad[60];
    peer_times times[2];
    char scratch[PEER_SCRATCH] __attribute__((aligned(4096))); // the system's own: addresses, counters
    uint64_t round_trip_ns[];
} peer_shared;

typedef struct {
    // What the caller asked for.
    bool round_trip;
    size_t bytes;
    long count, warmup;
    const char *variant;
    // Of this process.
    int role;
    char *out;            // private, touched, with the pattern: what is sent
    char *in;             // private, touched: what is received goes here
    const char *received; // where the last message is: 'in', if the system does not say otherwise
    // Of both, and of the process that watches over them.
    int parties; // 2; a system that needs one process only says 1 in its 'prepare', and is then the receiver
    peer_shared *shared;
    int shared_file;
    size_t shared_size;
    pid_t watcher, children[3]; // sender, receiver, daemon of the system
    sigset_t watched, before;
} peer_state;

typedef struct {
    const char *name;
    const char *variants[12]; // the first is meant when none is given
    const char *(*version)(void);
    void (*prepare)(void);                // in the watching process, before the others are started; NULL: nothing to do
    void (*open)(void);                   // in each of the two
    void (*send)(long n);                 // n messages, one after the other; all but the last may be under way at its end
    void (*receive)(long n);              // returns when the n-th is there
    void (*ping)(void);                   // sends one and receives one
    void (*pong)(void);                   // receives one and sends one
    void (*settle)(void);                 // untimed, in each, after its last: what the other still needs of this one; NULL: nothing
    void (*close)(void);                  // in each of the two; NULL: nothing to do
    void (*cleanup)(void);                // in the watching process, when all others are gone, however they went; NULL: nothing to do
    void (*exec)(void);                   // becomes the program that starts the two; NULL: they are forked
} peer_system;

static peer_state peer;
static const peer_system *peer_of;

static void peer_stop(void);

// Says why, in one line, and ends this process; the watching process ends the others first.
__attribute__((noreturn, format(printf, 2, 3), unused)) static void peer_die(int code, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int n = snprintf(line, sizeof line, "%s: ", peer_of->name);
    vsnprintf(line + n, sizeof line - n, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s\n", line);
    if (getpid() == peer.watcher)
        peer_stop();
    _exit(code);
}

static inline uint64_t peer_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// User and system time of this process with all its threads.
static double peer_cpu(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e-6;
}

static inline void peer_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

// Not the private kind: the word is in memory of both processes. A word that changed and a signal are for the caller to see.
static inline void peer_futex_wait(const uint32_t *word, uint32_t value) { syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0); }
static inline void peer_futex_wake(const uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0); }

// Both go on when both are here. Who waits sleeps, so that it does not take the processor from what the other, or a thread of a library, has
// still to do; with 'spin' it spins for a moment first, so that both start together.
static void peer_meet(bool spin)
{
    static uint32_t goal = 0;
    uint32_t *arrivals = &peer.shared->arrivals, now;
    goal += (uint32_t)peer.parties;
    if (__atomic_add_fetch(arrivals, 1, __ATOMIC_ACQ_REL) == goal)
        return peer_futex_wake(arrivals);
    for (int i = 0; spin && i < 2000 && __atomic_load_n(arrivals, __ATOMIC_ACQUIRE) < goal; i++)
        peer_pause();
    while ((now = __atomic_load_n(arrivals, __ATOMIC_ACQUIRE)) < goal)
        peer_futex_wait(arrivals, now);
}

static uint64_t peer_word(size_t i) { return (i + 1) * 0x9E3779B97F4A7C15u; }

static void peer_fill(char *at, size_t bytes)
{
    size_t i = 0;
    for (; i < bytes / 8; i++) {
        uint64_t word = peer_word(i);
        memcpy(at + i * 8, &word, 8);
    }
    uint64_t last = peer_word(i);
    memcpy(at + i * 8, &last, bytes % 8);
}

static void peer_check(const char *at, size_t bytes, const char *when)
{
    size_t i = 0;
    for (; i < bytes / 8; i++) {
        uint64_t word = peer_word(i);
        if (memcmp(at + i * 8, &word, 8) != 0)
            peer_die(PEER_FAILED, "wrong bytes at %zu of %zu, %s", i * 8, bytes, when);
    }
    uint64_t last = peer_word(i);
    if (memcmp(at + i * 8, &last, bytes % 8) != 0)
        peer_die(PEER_FAILED, "wrong bytes at %zu of %zu, %s", i * 8, bytes, when);
}

// Private memory as mmap gives it, touched; with 'huge', on pages of 2 MiB where there are any.
static char *peer_buffer(size_t bytes, bool huge)
{
    const size_t page = 2u << 20;
    size_t size = bytes + 64 + (huge ? 2 * page : 0);
    char *m = (char *)mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (m == MAP_FAILED)
        peer_die(PEER_UNABLE, "no memory for a buffer of %zu bytes", bytes);
    if (huge) {
        m = (char *)(((uintptr_t)m + page - 1) & ~(uintptr_t)(page - 1));
        madvise(m, (bytes + page - 1) & ~(page - 1), MADV_HUGEPAGE);
    }
    memset(m, 0xA5, bytes + 1);
    return m;
}

static bool peer_variant(const char *name) { return strcmp(peer.variant, name) == 0; }

static void peer_transfer(long n, uint64_t *round_trip_ns)
{
    if (!peer.round_trip)
        return peer.role == PEER_SENDER ? peer_of->send(n) : peer_of->receive(n);
    if (peer.role == PEER_RECEIVER) {
        for (long i = 0; i < n; i++)
            peer_of->pong();
        return;
    }
    uint64_t before = peer_now();
    for (long i = 0; i < n; i++) {
        peer_of->ping();
        uint64_t after = peer_now();
        if (round_trip_ns)
            round_trip_ns[i] = after - before;
        before = after;
    }
}

static void peer_settle(void)
{
    if (peer_of->settle)
        peer_of->settle();
    peer_meet(false);
}

// The life of one of the two: the first messages of the warm-up one by one, into a buffer without them, and checked; the rest of it as what is
// counted goes; what is counted; and a look at the last message.
static void peer_side(int role)
{
    bool sends = role == PEER_SENDER || peer.round_trip, receives = role == PEER_RECEIVER || peer.round_trip;
    peer.role = role;
    peer.out = sends ? peer_buffer(peer.bytes, false) : NULL;
    peer.in = receives ? peer_buffer(peer.bytes, false) : NULL;
    peer.received = peer.in;
    if (sends)
        peer_fill(peer.out, peer.bytes);
    peer_of->open();
    long checked = peer.warmup < peer_checked_most ? peer.warmup : peer_checked_most;
    for (long i = 0; i < checked; i++) {
        if (receives)
            memset(peer.in, 0xA5, peer.bytes);
        peer_meet(false);
        peer_transfer(1, NULL);
        peer_settle();
        if (receives)
            peer_check(peer.received, peer.bytes, "in the warm-up");
    }
    peer_meet(false);
    if (peer.warmup > checked)
        peer_transfer(peer.warmup - checked, NULL);
    peer_settle();
    peer_meet(true);
    peer_times *times = &peer.shared->times[role];
    times->cpu_before = peer_cpu();
    times->start_ns = peer_now();
    peer_transfer(peer.count, peer.shared->round_trip_ns);
    times->end_ns = peer_now();
    peer_settle();
    times->cpu_after = peer_cpu();
    if (receives)
        peer_check(peer.received, peer.bytes, "in the last message");
    if (peer_of->close)
        peer_of->close();
}

static int peer_compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

// The smallest that at least this share of all is not above.
static unsigned long long peer_quantile(const uint64_t *sorted, long n, double share)
{
    long rank = (long)(share * (double)n + 0.999999);
    return sorted[rank < 1 ? 0 : rank > n ? n - 1 : rank - 1];
}

static void peer_report(void)
{
    const peer_times *s = &peer.shared->times[peer.parties == 1 ? PEER_RECEIVER : PEER_SENDER];
    const peer_times *r = &peer.shared->times[PEER_RECEIVER];
    double cpu = r->cpu_after - r->cpu_before + (peer.parties == 1 ? 0 : s->cpu_after - s->cpu_before);
    // Of the two who begin together, the earlier: where one does all (a pull), the other may come late from where they met.
    uint64_t start = s->start_ns < r->start_ns ? s->start_ns : r->start_ns;
    uint64_t end = peer.round_trip ? s->end_ns : r->end_ns;
    printf("{\"seconds\":%.9f,\"messages\":%ld,\"cpu_seconds\":%.6f", (double)(end - start) * 1e-9, peer.count, cpu);
    if (peer.round_trip) {
        uint64_t *ns = peer.shared->round_trip_ns;
        qsort(ns, (size_t)peer.count, sizeof *ns, peer_compare);
        printf(",\"p50_ns\":%llu,\"p99_ns\":%llu,\"p999_ns\":%llu,\"max_ns\":%llu", peer_quantile(ns, peer.count, 0.5),
            peer_quantile(ns, peer.count, 0.99), peer_quantile(ns, peer.count, 0.999), peer_quantile(ns, peer.count, 1));
    }
    printf("}\n");
}

// In a process that is to become one of the two, or the system's own: it does not outlive who watches over it.
static void peer_child(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != peer.watcher)
        _exit(PEER_FAILED);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); // where Yama is, a sibling could not reach this one's memory
    sigprocmask(SIG_SETMASK, &peer.before, NULL);
    dup2(STDERR_FILENO, STDOUT_FILENO); // what a library says is not the result
}

// Ends what is running of the others, takes away what they left. SIGTERM first: some have to clean up.
static void peer_stop(void)
{
    for (int round = 0; round < 2; round++) {
        uint64_t until = peer_now() + 5000000000u;
        for (int i = 0; i < 3; i++)
            if (peer.children[i])
                kill(peer.children[i], round == 0 ? SIGTERM : SIGKILL);
        for (int i = 0; i < 3; i++)
            while (peer.children[i] && (round == 1 || peer_now() < until)) {
                if (waitpid(peer.children[i], NULL, round == 0 ? WNOHANG : 0) != 0)
                    peer.children[i] = 0;
                else
                    usleep(2000);
            }
    }
    if (peer_of->cleanup)
        peer_of->cleanup();
}

// Until both ended well. Ends this program otherwise: when one of the others failed, at a signal, when it takes too long.
static void peer_watch(void)
{
    uint64_t deadline = peer_now() + PEER_WATCHDOG_SECONDS * 1000000000ull;
    while (peer.children[PEER_SENDER] || peer.children[PEER_RECEIVER]) {
        uint64_t now = peer_now(), left = now < deadline ? deadline - now : 0;
        struct timespec wait = {(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
        int number = sigtimedwait(&peer.watched, NULL, &wait);
        if (number < 0 && errno == EAGAIN)
            peer_die(PEER_FAILED, "did not end within %d seconds", PEER_WATCHDOG_SECONDS);
        if (number > 0 && number != SIGCHLD) {
            peer_stop();
            exit(128 + number);
        }
        for (int i = 0, status; i < 3; i++) {
            if (!peer.children[i] || waitpid(peer.children[i], &status, WNOHANG) != peer.children[i])
                continue;
            peer.children[i] = 0;
            if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && i < 2)
                continue;
            if (i < 2 && WIFEXITED(status)) { // It has said why.
                peer_stop();
                exit(WEXITSTATUS(status));
            }
            peer_die(PEER_FAILED, "the %s ended, status %#x", i == PEER_SENDER ? "sender" : i == PEER_RECEIVER ? "receiver" : "daemon", status);
        }
    }
}

static long peer_number(const char *text, long least)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (errno || end == text || *end || n < least)
        peer_die(PEER_USAGE, "'%s' is not a number from %ld on", text, least);
    return n;
}

static void peer_arguments(int argc, char **argv)
{
    if (argc < 5 || argc > 6 || (strcmp(argv[1], "throughput") && strcmp(argv[1], "round-trip")))
        peer_die(PEER_USAGE, "usage: %s throughput|round-trip BYTES COUNT WARMUP [VARIANT], or %s version", peer_of->name, peer_of->name);
    peer.round_trip = strcmp(argv[1], "round-trip") == 0;
    peer.bytes = (size_t)peer_number(argv[2], 0);
    peer.count = peer_number(argv[3], 1);
    peer.warmup = peer_number(argv[4], 0);
    peer.variant = argc == 6 ? argv[5] : peer_of->variants[0];
    peer.parties = 2;
    peer.shared_size = sizeof(peer_shared) + (peer.round_trip ? (size_t)peer.count * sizeof(uint64_t) : 0);
    for (int i = 0; peer_of->variants[i]; i++)
        if (peer_variant(peer_of->variants[i]))
            return;
    peer_die(PEER_USAGE, "no variant '%s'", peer.variant);
}

static void peer_map(int file)
{
    peer.shared_file = file;
    peer.shared = (peer_shared *)mmap(NULL, peer.shared_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
    if (file < 0 || peer.shared == MAP_FAILED)
        peer_die(PEER_FAILED, "no shared memory: %s", strerror(errno));
}

static void peer_start(int role)
{
    peer.children[role] = fork();
    if (peer.children[role] < 0)
        peer_die(PEER_FAILED, "fork: %s", strerror(errno));
    if (peer.children[role] > 0)
        return;
    peer_child();
    if (peer_of->exec)
        peer_of->exec();
    else
        peer_side(role);
    fflush(NULL);
    _exit(0);
}

__attribute__((unused)) static int peer_main(int argc, char **argv, const peer_system *system)
{
    peer_of = system;
    if (argc == 2 && strcmp(argv[1], "version") == 0)
        return printf("%s\n", system->version()) < 0;
    peer_arguments(argc, argv);
    peer.watcher = getpid();
    static const int signals[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP};
    sigemptyset(&peer.watched);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        signal(signals[i], SIG_DFL); // A shell's background job has SIGINT ignored.
        sigaddset(&peer.watched, signals[i]);
    }
    sigprocmask(SIG_BLOCK, &peer.watched, &peer.before);
    int file = memfd_create("peer", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, (off_t)peer.shared_size))
        peer_die(PEER_FAILED, "no shared memory: %s", strerror(errno));
    peer_map(file);
    if (system->prepare)
        system->prepare();
    if (peer.parties == 2 && !system->exec)
        peer_start(PEER_SENDER);
    peer_start(PEER_RECEIVER);
    peer_watch();
    peer_stop();
    peer_report();
    return fflush(stdout) != 0;
}
#endif
