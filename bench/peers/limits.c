// What this machine can do at most: the limits that everything else is held against.
//   memcpy, memcpy-huge   one process copies from one private buffer into another; huge: on pages of 2 MiB
//   pull, pull-huge       the receiver copies with process_vm_readv, and the sender has nothing to do
//   both, both-huge       as pull, and the sender copies too, with process_vm_writev; one message at a time
//   cacheline             round trip: two processes throw a cache line to and fro; with BYTES in it, up to 56
//   futex                 round trip: two processes wake each other with a futex, without spinning
#include "peer.h"
#include <sys/uio.h>

// One word a cache line: what one process spins on, the other writes seldom.
typedef struct {
    _Alignas(128) char *out;
    char *in;
    pid_t sender, receiver;
    _Alignas(128) uint64_t begun;  // messages that the receiver has begun to copy
    _Alignas(128) uint64_t helped; // messages that the sender has no more piece of
    _Alignas(128) uint64_t cursor; // message << 32 | next piece
    _Alignas(128) uint32_t ping;
    char ping_bytes[60];
    _Alignas(128) uint32_t pong;
    char pong_bytes[60];
    _Alignas(128) uint32_t passive_may_go;
} words;

static const size_t most_a_call = 1u << 30; // The kernel ends at a page before 2 GiB.

static words *w;
static char *from, *to;
static size_t piece, pieces;
static uint64_t round_number; // of this process: messages so far

static bool copies_alone(void) { return strncmp(peer.variant, "memcpy", 6) == 0; }
static bool copy_together(void) { return strncmp(peer.variant, "both", 4) == 0; }
static bool is_huge(void) { return strstr(peer.variant, "-huge") != NULL; }

static void prepare(void)
{
    if (peer.round_trip && copies_alone())
        peer.variant = "cacheline"; // What is meant when nothing is said.
    bool trips = peer_variant("cacheline") || peer_variant("futex");
    if (trips != peer.round_trip)
        peer_die(PEER_UNABLE, "%s is %s", peer.variant, trips ? "for round trips only" : "for throughput only");
    if (trips && peer.bytes > sizeof w->ping_bytes - 4)
        peer.bytes = sizeof w->ping_bytes - 4; // A line holds no more, and the limit is the line.
    if (copies_alone())
        peer.parties = 1;
}

static void open_limits(void)
{
    w = (words *)peer.shared->scratch;
    if (peer.round_trip)
        return;
    bool sender = peer.role == PEER_SENDER;
    if (sender || copies_alone()) {
        from = is_huge() ? peer_buffer(peer.bytes, true) : sender ? peer.out : peer_buffer(peer.bytes, false);
        peer_fill(from, peer.bytes);
    }
    if (!sender)
        to = is_huge() ? peer_buffer(peer.bytes, true) : peer.in;
    peer.received = to;
    if (copies_alone())
        return;
    *(sender ? &w->out : &w->in) = sender ? from : to;
    *(sender ? &w->sender : &w->receiver) = getpid();
    peer_meet(false);
    from = w->out;
    to = w->in;
    // Measured: four pieces of a message of 1 MiB, and of what is longer, as many as keep one process from waiting long for the other's last; below 32 KiB the
    // call costs more than what the second process saves.
    size_t quarter = (peer.bytes / 4 + 4095) & ~(size_t)4095;
    piece = quarter < 32768 ? 32768 : quarter > 262144 ? 262144 : quarter;
    pieces = (peer.bytes + piece - 1) / piece;
}

static void copy_piece(size_t offset, size_t bytes)
{
    struct iovec out = {from + offset, bytes}, in = {to + offset, bytes};
    ssize_t n = peer.role == PEER_SENDER ? process_vm_writev(w->receiver, &out, 1, &in, 1, 0) : process_vm_readv(w->sender, &in, 1, &out, 1, 0);
    if (n < 0)
        peer_die(PEER_UNABLE, "the other process's memory is out of reach: %s", strerror(errno));
    if ((size_t)n != bytes)
        peer_die(PEER_FAILED, "%zd of %zu bytes copied", n, bytes);
}

static void copy_pieces_of_message(uint64_t message)
{
    for (;;) {
        uint64_t at = __atomic_fetch_add(&w->cursor, 1, __ATOMIC_ACQ_REL);
        if (at >> 32 != (message & UINT32_MAX) || (at & UINT32_MAX) >= pieces)
            return;
        size_t offset = (at & UINT32_MAX) * piece, left = peer.bytes - offset;
        copy_piece(offset, left < piece ? left : piece);
    }
}

static void send_limits(long n)
{
    for (long i = 0; copy_together() && i < n; i++) {
        round_number++;
        while (__atomic_load_n(&w->begun, __ATOMIC_ACQUIRE) != round_number)
            peer_pause();
        copy_pieces_of_message(round_number);
        __atomic_store_n(&w->helped, round_number, __ATOMIC_RELEASE);
    }
}

static void receive_limits(long n)
{
    for (long i = 0; i < n; i++) {
        if (copies_alone()) {
            memcpy(to, from, peer.bytes);
            __asm__ volatile("" ::: "memory"); // The next copy is not the same one again.
        } else if (!copy_together()) {
            for (size_t offset = 0; offset < peer.bytes; offset += most_a_call)
                copy_piece(offset, peer.bytes - offset < most_a_call ? peer.bytes - offset : most_a_call);
        } else {
            round_number++;
            __atomic_store_n(&w->cursor, round_number << 32, __ATOMIC_RELEASE);
            __atomic_store_n(&w->begun, round_number, __ATOMIC_RELEASE);
            copy_pieces_of_message(round_number);
            while (__atomic_load_n(&w->helped, __ATOMIC_ACQUIRE) != round_number)
                peer_pause();
        }
    }
}

static void await(uint32_t *word, uint32_t value)
{
    uint32_t now;
    while ((now = __atomic_load_n(word, __ATOMIC_ACQUIRE)) != value) {
        if (peer_variant("futex"))
            peer_futex_wait(word, now);
    }
}

static void give(uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
    if (peer_variant("futex"))
        peer_futex_wake(word);
}

static void ping(void)
{
    uint32_t round = (uint32_t)++round_number;
    memcpy(w->ping_bytes, peer.out, peer.bytes);
    give(&w->ping, round);
    await(&w->pong, round);
    memcpy(peer.in, w->pong_bytes, peer.bytes);
}

static void pong(void)
{
    uint32_t round = (uint32_t)++round_number;
    await(&w->ping, round);
    memcpy(peer.in, w->ping_bytes, peer.bytes);
    memcpy(w->pong_bytes, peer.out, peer.bytes);
    give(&w->pong, round);
}

static const char *version(void) { return "1"; }

int main(int argc, char **argv)
{
    static const peer_system limits = {
        .name = "limits",
        .variants = {"memcpy", "memcpy-huge", "pull", "pull-huge", "both", "both-huge", "cacheline", "futex"},
        .version = version,
        .prepare = prepare,
        .open = open_limits,
        .send = send_limits,
        .receive = receive_limits,
        .ping = ping,
        .pong = pong,
    };
    return peer_main(argc, argv, &limits);
}
