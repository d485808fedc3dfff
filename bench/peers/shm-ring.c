// A ring in shared memory, as well made as we can: what a queue with two copies does at its best. The ring is in ring.h.
//   spin    who has to wait spins
//   sleep   who has to wait sleeps at once, with a futex
#include "ring.h"

static ring out, in; // of this process

static int ring_file;

static void prepare(void)
{
    ring_file = memfd_create("ring", MFD_CLOEXEC);
    if (ring_file < 0 || ftruncate(ring_file, 2 * RING_BYTES))
        peer_die(PEER_FAILED, "no memory for the ring: %s", strerror(errno));
}

static void open_rings(void)
{
    ring_shared *shared = (ring_shared *)peer.shared->scratch;
    bool sleeps = peer_variant("sleep");
    int sends = peer.role == PEER_SENDER ? 0 : 1;
    ring_open(&out, &shared[sends], ring_file, (size_t)sends * RING_BYTES, sleeps);
    ring_open(&in, &shared[!sends], ring_file, (size_t)!sends * RING_BYTES, sleeps);
    out.limit = RING_BYTES;
}

static void receive_one(void)
{
    if (ring_receive(&in, peer.in, peer.bytes) != peer.bytes)
        peer_die(PEER_FAILED, "a message of another length");
}

static void send_messages(long n)
{
    for (long i = 0; i < n; i++)
        ring_send(&out, peer.out, peer.bytes);
}

static void receive_messages(long n)
{
    for (long i = 0; i < n; i++)
        receive_one();
}

static void ping(void)
{
    ring_send(&out, peer.out, peer.bytes);
    receive_one();
}

static void pong(void)
{
    receive_one();
    ring_send(&out, peer.out, peer.bytes);
}

static const char *version(void) { return "1"; }

int main(int argc, char **argv)
{
    static const peer_system shm_ring = {
        .name = "shm-ring",
        .variants = {"spin", "sleep"},
        .version = version,
        .prepare = prepare,
        .open = open_rings,
        .send = send_messages,
        .receive = receive_messages,
        .ping = ping,
        .pong = pong,
    };
    return peer_main(argc, argv, &shm_ring);
}
