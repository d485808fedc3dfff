// A ring of bytes in shared memory for one producer and one consumer, with messages of any length: two copies, one into the ring and one out of it.
// What makes it fast:
// - Ready is said in the record itself: its header is 0 until the record is complete. Who waits for a message reads the line that the message is in,
//   and no other line goes to and fro.
// - The producer knows how far the consumer was when it last looked, and looks again when that is used up. The consumer tells it seldom: when
//   an eighth of the ring is read, or when it finds nothing.
// - The memory is mapped twice in a row, so that a record that goes over the end is one copy like any other.
// - A message that is longer than a piece is sent in pieces: the consumer copies one out while the producer copies the next one in. The ring is small enough to stay in
//   the processors' caches.
#ifndef RING_H
#define RING_H
#include "peer.h"

enum { RING_BYTES = 128 << 10, RING_PIECE = 32 << 10, RING_HEADER = 8, RING_MORE = 1, RING_FILLED = 2, RING_LENGTH_SHIFT = 2 };

typedef struct {
    uint64_t read __attribute__((aligned(128))); // how far the consumer is
    uint32_t consumer_sleeps __attribute__((aligned(128)));
    uint32_t producer_sleeps __attribute__((aligned(128)));
} ring_shared;

typedef struct {
    ring_shared *shared;
    char *bytes;
    bool sleeps;          // with a futex; otherwise it spins
    uint64_t at;          // where the next record begins
    uint64_t limit;       // producer: it can write up to here. Consumer: from here on it tells how far it is
} ring;

static size_t ring_payload_at(size_t length)
{
    // A long copy likes whole cache lines; short records lie close together.
    return length < 1024 ? RING_HEADER : 64;
}

static size_t ring_record(size_t length) { return (ring_payload_at(length) + length + 63 * (length >= 1024) + 7) & (length >= 1024 ? ~(size_t)63 : ~(size_t)7); }

static void ring_open(ring *r, ring_shared *shared, int file, size_t offset, bool sleeps)
{
    char *m = mmap(NULL, 2 * RING_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (m == MAP_FAILED)
        peer_die(PEER_FAILED, "no addresses for the ring: %s", strerror(errno));
    for (int i = 0; i < 2; i++)
        if (mmap(m + i * RING_BYTES, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, file, (off_t)offset) == MAP_FAILED)
            peer_die(PEER_FAILED, "no memory for the ring: %s", strerror(errno));
    *r = (ring){.shared = shared, .bytes = m, .sleeps = sleeps};
}

static uint64_t *ring_header(const ring *r, uint64_t at) { return (uint64_t *)(void *)(r->bytes + at % RING_BYTES); }

// Says to the other side that there is something for it. Its word and ours are a store and a load on each side: without the fence both could
// see the old one, and it would sleep for ever.
static void ring_notify(uint32_t *sleeps)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(sleeps, __ATOMIC_RELAXED)) {
        __atomic_store_n(sleeps, 0, __ATOMIC_RELAXED);
        peer_futex_wake(sleeps);
    }
}

static void ring_tell(ring *r)
{
    __atomic_store_n(&r->shared->read, r->at, __ATOMIC_RELEASE);
    r->limit = r->at + RING_BYTES / 8;
    if (r->sleeps)
        ring_notify(&r->shared->producer_sleeps);
}

// Until there is room for a record of so many bytes and for the header behind it.
static __attribute__((noinline)) void ring_wait_for_room(ring *r, size_t record)
{
    uint64_t needed = r->at + record + RING_HEADER;
    while ((r->limit = __atomic_load_n(&r->shared->read, __ATOMIC_ACQUIRE) + RING_BYTES) < needed) {
        if (!r->sleeps) {
            peer_pause();
            continue;
        }
        __atomic_store_n(&r->shared->producer_sleeps, 1, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (__atomic_load_n(&r->shared->read, __ATOMIC_ACQUIRE) + RING_BYTES < needed)
            peer_futex_wait(&r->shared->producer_sleeps, 1);
    }
}

static inline void ring_put(ring *r, const char *from, size_t length, uint64_t more)
{
    size_t record = ring_record(length);
    if (r->at + record + RING_HEADER > r->limit)
        ring_wait_for_room(r, record);
    uint64_t *header = ring_header(r, r->at);
    memcpy((char *)header + ring_payload_at(length), from, length);
    // What lies there from the last time round is no header: cleared before this record says that it is ready.
    r->at += record;
    *ring_header(r, r->at) = 0;
    __atomic_store_n(header, (uint64_t)length << RING_LENGTH_SHIFT | RING_FILLED | more, __ATOMIC_RELEASE);
    if (r->sleeps)
        ring_notify(&r->shared->consumer_sleeps);
}

static inline void ring_send(ring *r, const char *from, size_t length)
{
    for (; length > RING_PIECE; from += RING_PIECE, length -= RING_PIECE)
        ring_put(r, from, RING_PIECE, RING_MORE);
    ring_put(r, from, length, 0);
}

static __attribute__((noinline)) uint64_t ring_wait_for_record(ring *r)
{
    const uint64_t *at = ring_header(r, r->at);
    uint64_t header;
    ring_tell(r);
    while ((header = __atomic_load_n(at, __ATOMIC_ACQUIRE)) == 0) {
        if (!r->sleeps) {
            peer_pause();
            continue;
        }
        __atomic_store_n(&r->shared->consumer_sleeps, 1, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (__atomic_load_n(at, __ATOMIC_ACQUIRE) == 0)
            peer_futex_wait(&r->shared->consumer_sleeps, 1);
    }
    return header;
}

// The message's length; it must be no longer than the buffer.
static inline size_t ring_receive(ring *r, char *to, size_t size)
{
    for (size_t received = 0;;) {
        uint64_t header = __atomic_load_n(ring_header(r, r->at), __ATOMIC_ACQUIRE);
        if (header == 0)
            header = ring_wait_for_record(r);
        size_t length = header >> RING_LENGTH_SHIFT;
        if (length > size - received)
            peer_die(PEER_FAILED, "a message that is longer than the buffer");
        memcpy(to + received, (const char *)ring_header(r, r->at) + ring_payload_at(length), length);
        received += length;
        r->at += ring_record(length);
        if (r->at >= r->limit)
            ring_tell(r);
        if (!(header & RING_MORE))
            return received;
    }
}
#endif
