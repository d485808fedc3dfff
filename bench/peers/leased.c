// The queue's own steps and nothing else, in C: what a queue costs whose messages are claimed one by one, by any of many, and each of which survives whoever holds it. Two processes;
// the words and exchanges are those of docs/protocol.md, without properties, wake-ups, recovery, checks or counters.
//   one     send: a block, its record, the payload, its state, the cell, the tail; receive: the claim, the cell, the head, the payload out, the end
//   batch   64 at a time: head and tail move once for all of them
// A message that does not fit in a block of 512 bytes has as many large blocks as stay in the processors' caches.
#include "peer.h"

enum { CELLS = 1024, PARTICIPANT = 3, BATCH = 64, RECORD = 64, BLOCK = 512, PAGE = 4096, FILLING = 1, QUEUED = 2, LEASED = 3, DONE = 4, IN_CACHES = 512 << 10 };

typedef struct {
    uint64_t head __attribute__((aligned(128)));
    uint64_t tail __attribute__((aligned(128)));
    uint64_t sleepers __attribute__((aligned(128)));
    uint64_t cells[CELLS] __attribute__((aligned(128)));
} shared_ring;

// { phase:8, actor:8, attempts:16, generation:32 }
static uint64_t state_of(uint64_t generation, int phase, int actor) { return generation << 32 | (uint64_t)actor << 8 | (uint64_t)phase; }

// { lap:26, generation:12, participant:8, block:18 }: 0 in the lower ones is an empty cell.
static const uint64_t lap_mask = 0x3FFFFFF, reference_mask = 0x3FFFFFFFFF, block_mask = 0x3FFFF;

static uint64_t cell_of(uint64_t lap, uint64_t generation, int participant, uint64_t block)
{
    return (lap & lap_mask) << 38 | (generation & 0xFFF) << 26 | (uint64_t)participant << 18 | block;
}

typedef struct {
    shared_ring *ring;
    char *blocks;
    uint64_t next;       // sender: the block that it looks at first
    uint64_t sequence;   // sender
    uint64_t generation; // receiver: of the message before
} way;

static way out, in;
static size_t stride, count;
static int file;

static size_t whole_pages(size_t size) { return (size + PAGE - 1) & ~(size_t)(PAGE - 1); }

static size_t way_size(void) { return whole_pages(sizeof(shared_ring) + stride * count); }

static void prepare(void)
{
    stride = peer.bytes <= BLOCK - RECORD ? BLOCK : whole_pages(RECORD + peer.bytes);
    count = stride == BLOCK ? CELLS : IN_CACHES / stride;
    count = count < 4 ? 4 : count;
    file = memfd_create("leased", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, (off_t)(2 * way_size())))
        peer_die(PEER_UNABLE, "no memory for the queues: %s", strerror(errno));
}

static void open_way(way *w, int number)
{
    size_t size = way_size();
    char *m = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, (off_t)((size_t)number * size));
    if (m == MAP_FAILED)
        peer_die(PEER_UNABLE, "no memory for the queues: %s", strerror(errno));
    *w = (way){.ring = (shared_ring *)(void *)m, .blocks = m + sizeof(shared_ring), .generation = 1};
}

static void open_ways(void)
{
    open_way(&out, peer.role);
    open_way(&in, !peer.role);
}

static uint64_t *cell_at(shared_ring *r, uint64_t position)
{
    uint64_t place = position & (CELLS - 1);
    return &r->cells[(place & ~63ull) | (place & 7) << 3 | (place >> 3 & 7)];
}

static bool exchange(uint64_t *word, uint64_t *seen, uint64_t to) { return __atomic_compare_exchange_n(word, seen, to, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); }

// Until the block is free; then its record and payload. The reference's cell, but for the lap.
static uint64_t fill(way *w)
{
    uint64_t block = w->next;
    w->next = block + 1 == count ? 0 : block + 1;
    char *b = w->blocks + block * stride;
    uint64_t *word = (uint64_t *)(void *)b, seen;
    // Somewhat ahead, as the queue does, so that not each block is taken from a receiver that is just done with it.
    char *ahead = w->blocks + (block + count / 8) % count * stride;
    if (((seen = __atomic_load_n(word, __ATOMIC_ACQUIRE)) & 0xFF) == QUEUED || (seen & 0xFF) == LEASED) {
        while ((__atomic_load_n((uint64_t *)(void *)ahead, __ATOMIC_ACQUIRE) & 0xFF) != DONE)
            peer_pause();
        while (((seen = __atomic_load_n(word, __ATOMIC_ACQUIRE)) & 0xFF) != DONE)
            peer_pause();
    }
    uint64_t generation = (seen >> 32) + 1;
    __atomic_store_n(word, state_of(generation, FILLING, PARTICIPANT), __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    uint64_t *record = word + 1;
    record[0] = ++w->sequence;
    record[1] = peer.bytes;
    record[2] = 0;
    record[3] = RECORD;
    record[4] = 0;
    record[5] = 0;
    record[6] = 0;
    memcpy(b + RECORD, peer.out, peer.bytes);
    __atomic_store_n(word, state_of(generation, QUEUED, PARTICIPANT), __ATOMIC_RELEASE);
    return cell_of(0, generation, PARTICIPANT, block);
}

static bool try_put(shared_ring *r, uint64_t position, uint64_t reference)
{
    uint64_t lap = position / CELLS, empty = cell_of(lap, 0, 0, 0);
    return exchange(cell_at(r, position), &empty, cell_of(lap, 0, 0, 0) | reference);
}

static void advance(uint64_t *word, uint64_t from, uint64_t to) { exchange(word, &from, to); }

static uint64_t sleepers; // what a sender looks at after each message, and a receiver as well

static void send_one(way *w)
{
    uint64_t reference = fill(w), tail;
    while (!try_put(w->ring, tail = __atomic_load_n(&w->ring->tail, __ATOMIC_ACQUIRE), reference))
        peer_pause();
    advance(&w->ring->tail, tail, tail + 1);
    sleepers += __atomic_load_n(&w->ring->sleepers, __ATOMIC_ACQUIRE);
}

static void send_batch(way *w, long n)
{
    uint64_t tail = __atomic_load_n(&w->ring->tail, __ATOMIC_ACQUIRE);
    for (long i = 0; i < n; i++) {
        uint64_t reference = fill(w);
        while (!try_put(w->ring, tail + (uint64_t)i, reference))
            peer_pause();
    }
    advance(&w->ring->tail, tail, tail + (uint64_t)n);
    sleepers += __atomic_load_n(&w->ring->sleepers, __ATOMIC_ACQUIRE);
}

static bool is_there(shared_ring *r, uint64_t position, uint64_t *cell)
{
    *cell = __atomic_load_n(cell_at(r, position), __ATOMIC_ACQUIRE);
    return *cell >> 38 == (position / CELLS & lap_mask) && (*cell & reference_mask) != 0;
}

static char *claim(way *w, uint64_t cell, uint64_t *leased)
{
    char *b = w->blocks + (cell & block_mask) * stride;
    uint64_t *word = (uint64_t *)(void *)b;
    __builtin_prefetch(b + RECORD);
    // Mostly of the generation of the message before: one exchange then.
    uint64_t seen = state_of(w->generation, QUEUED, PARTICIPANT);
    do {
        *leased = (seen & ~0xFFFFull) | PARTICIPANT << 8 | LEASED;
    } while (!exchange(word, &seen, *leased) && (seen & 0xFF) == QUEUED);
    if ((seen & 0xFF) != QUEUED)
        peer_die(PEER_FAILED, "a message that is not queued");
    w->generation = seen >> 32;
    return b;
}

static void take(char *b, uint64_t leased)
{
    uint64_t *record = (uint64_t *)(void *)b + 1;
    if (record[1] != peer.bytes)
        peer_die(PEER_FAILED, "a message of another length");
    memcpy(peer.in, b + record[3], peer.bytes);
    if (!exchange((uint64_t *)(void *)b, &leased, (leased & ~0xFFull) | DONE))
        peer_die(PEER_FAILED, "a lease that is over");
}

static void remove_cell(shared_ring *r, uint64_t position, uint64_t cell) { exchange(cell_at(r, position), &cell, cell_of(position / CELLS + 1, 0, 0, 0)); }

static void prefetch_next(way *w, uint64_t position)
{
    uint64_t next = __atomic_load_n(cell_at(w->ring, position + 1), __ATOMIC_ACQUIRE);
    if ((next & reference_mask) == 0)
        return;
    __builtin_prefetch(w->blocks + (next & block_mask) * stride);
    __builtin_prefetch(w->blocks + (next & block_mask) * stride + RECORD);
}

static void receive_one(way *w)
{
    uint64_t head = __atomic_load_n(&w->ring->head, __ATOMIC_ACQUIRE), cell, leased;
    while (!is_there(w->ring, head, &cell))
        peer_pause();
    char *b = claim(w, cell, &leased);
    remove_cell(w->ring, head, cell);
    advance(&w->ring->head, head, head + 1);
    sleepers += __atomic_load_n(&w->ring->sleepers, __ATOMIC_ACQUIRE);
    prefetch_next(w, head);
    take(b, leased);
}

static long receive_batch(way *w, long most)
{
    uint64_t head = __atomic_load_n(&w->ring->head, __ATOMIC_ACQUIRE), cell, leased[BATCH];
    char *blocks[BATCH];
    long n = 0;
    for (; n < most && is_there(w->ring, head + (uint64_t)n, &cell); n++) {
        blocks[n] = claim(w, cell, &leased[n]);
        remove_cell(w->ring, head + (uint64_t)n, cell);
        prefetch_next(w, head + (uint64_t)n);
    }
    if (n == 0) {
        peer_pause();
        return 0;
    }
    advance(&w->ring->head, head, head + (uint64_t)n);
    sleepers += __atomic_load_n(&w->ring->sleepers, __ATOMIC_ACQUIRE);
    for (long i = 0; i < n; i++)
        take(blocks[i], leased[i]);
    return n;
}

static void send_messages(long n)
{
    if (peer_variant("batch")) {
        for (long now; n > 0; n -= now)
            send_batch(&out, now = n < BATCH ? n : BATCH);
        return;
    }
    for (long i = 0; i < n; i++)
        send_one(&out);
}

static void receive_messages(long n)
{
    if (peer_variant("batch")) {
        while (n > 0)
            n -= receive_batch(&in, n < BATCH ? n : BATCH);
        return;
    }
    for (long i = 0; i < n; i++)
        receive_one(&in);
}

static void ping(void)
{
    send_one(&out);
    receive_one(&in);
}

static void pong(void)
{
    receive_one(&in);
    send_one(&out);
}

static const char *version(void) { return "1"; }

int main(int argc, char **argv)
{
    static const peer_system leased = {
        .name = "leased",
        .variants = {"one", "batch"},
        .version = version,
        .prepare = prepare,
        .open = open_ways,
        .send = send_messages,
        .receive = receive_messages,
        .ping = ping,
        .pong = pong,
    };
    return peer_main(argc, argv, &leased);
}
