// ZeroMQ over ipc (a Unix socket that a thread of the library's in each process writes and reads).
//   socket   PUSH and PULL for throughput, PAIR for round trips
// Long messages are sent without a copy (zmq_msg_init_data). What is received stays in the message that the library allocated for it, which is memory of
// the receiver's: a copy into its buffer would only make it slower.
#include "peer.h"
#include <malloc.h>
#include <zmq.h>

enum { COPIED = 8192, QUEUED_BYTES = 16 << 20, QUEUED_LEAST = 2, QUEUED_MOST = 1000 };

static void *context, *to_other;
static zmq_msg_t message;
static char place[64];

static void check(int result, const char *what)
{
    if (result < 0)
        peer_die(PEER_UNABLE, "%s: %s", what, zmq_strerror(errno));
}

static void set(void *socket, int option, int value) { check(zmq_setsockopt(socket, option, &value, sizeof value), "zmq_setsockopt"); }

static void prepare(void)
{
    // In the abstract name space: nothing is left in a directory.
    snprintf(place, sizeof place, "ipc://@onecopy-peer-%d", getpid());
}

static void open_zeromq(void)
{
    bool sender = peer.role == PEER_SENDER;
    // The library allocates a buffer for each message that it receives: memory that goes back to the kernel each time would be touched anew each time.
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
    context = zmq_ctx_new();
    void *socket = zmq_socket(context, peer.round_trip ? ZMQ_PAIR : sender ? ZMQ_PUSH : ZMQ_PULL);
    if (!socket)
        peer_die(PEER_UNABLE, "zmq_socket: %s", zmq_strerror(errno));
    // As the default, 1000 messages are queued at each end, but no more bytes than the machine has.
    size_t queued = QUEUED_BYTES / (peer.bytes + 1);
    int limit = queued < QUEUED_LEAST ? QUEUED_LEAST : queued > QUEUED_MOST ? QUEUED_MOST : (int)queued;
    set(socket, ZMQ_SNDHWM, limit);
    set(socket, ZMQ_RCVHWM, limit);
    set(socket, ZMQ_LINGER, 0);
    if (!sender)
        check(zmq_bind(socket, place), place);
    peer_meet(false);
    if (sender)
        check(zmq_connect(socket, place), place);
    to_other = socket;
    zmq_msg_init(&message);
}

static void keep(void *data, void *hint) { (void)data, (void)hint; }

static void send_one(void)
{
    if (peer.bytes <= COPIED)
        return check(zmq_send(to_other, peer.out, peer.bytes, 0), "zmq_send");
    zmq_msg_t m;
    check(zmq_msg_init_data(&m, peer.out, peer.bytes, keep, NULL), "zmq_msg_init_data");
    check(zmq_msg_send(&m, to_other, 0), "zmq_msg_send");
}

static void receive_one(void)
{
    check(zmq_msg_recv(&message, to_other, 0), "zmq_msg_recv");
    if (zmq_msg_size(&message) != peer.bytes)
        peer_die(PEER_FAILED, "a message of another length");
    peer.received = zmq_msg_data(&message);
}

static void send_messages(long n)
{
    for (long i = 0; i < n; i++)
        send_one();
}

static void receive_messages(long n)
{
    for (long i = 0; i < n; i++)
        receive_one();
}

static void ping(void)
{
    send_one();
    receive_one();
}

static void pong(void)
{
    receive_one();
    send_one();
}

static void close_zeromq(void)
{
    zmq_msg_close(&message);
    zmq_close(to_other);
    zmq_ctx_term(context);
}

static const char *version(void)
{
    static char text[32];
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    snprintf(text, sizeof text, "%d.%d.%d", major, minor, patch);
    return text;
}

int main(int argc, char **argv)
{
    static const peer_system zeromq = {
        .name = "zeromq",
        .variants = {"socket"},
        .version = version,
        .prepare = prepare,
        .open = open_zeromq,
        .send = send_messages,
        .receive = receive_messages,
        .ping = ping,
        .pong = pong,
        .close = close_zeromq,
    };
    return peer_main(argc, argv, &zeromq);
}
