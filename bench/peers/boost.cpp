// Boost.Interprocess: a message_queue each way, with a mutex and condition variables in shared memory. Two copies.
//   queue   messages of BYTES at most; as many as fit 1 MiB, from 2 to 1024
#include "peer.h"
#include <algorithm>
#include <boost/interprocess/ipc/message_queue.hpp>
#include <boost/version.hpp>
#include <memory>
#include <string>

#ifndef QUEUE_BYTES
#define QUEUE_BYTES (1 << 20)
#endif

namespace ipc = boost::interprocess;

static std::string names[2];
static std::unique_ptr<ipc::message_queue> out, in;

static void cleanup()
{
    for (const std::string &name : names)
        ipc::message_queue::remove(name.c_str());
}

static void prepare()
{
    for (int i = 0; i < 2; i++)
        names[i] = "onecopy-peer-" + std::to_string(getpid()) + "-" + std::to_string(i);
    size_t size = std::max<size_t>(peer.bytes, 1), count = std::clamp<size_t>(QUEUE_BYTES / size, 2, 1024);
    try {
        for (int i = 0; i < (peer.round_trip ? 2 : 1); i++)
            ipc::message_queue(ipc::create_only, names[i].c_str(), count, size);
    } catch (const ipc::interprocess_exception &e) {
        peer_die(PEER_UNABLE, "message_queue: %s", e.what());
    }
}

static void open_queues()
{
    int sends = peer.role == PEER_SENDER ? 0 : 1;
    if (peer.round_trip || sends == 0)
        out = std::make_unique<ipc::message_queue>(ipc::open_only, names[sends].c_str());
    if (peer.round_trip || sends == 1)
        in = std::make_unique<ipc::message_queue>(ipc::open_only, names[!sends].c_str());
}

static void send_one() { out->send(peer.out, peer.bytes, 0); }

static void receive_one()
{
    ipc::message_queue::size_type bytes;
    unsigned priority;
    in->receive(peer.in, std::max<size_t>(peer.bytes, 1), bytes, priority);
    if (bytes != peer.bytes)
        peer_die(PEER_FAILED, "a message of another length");
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

static void ping()
{
    send_one();
    receive_one();
}

static void pong()
{
    receive_one();
    send_one();
}

static const char *version()
{
    static const std::string text =
        std::to_string(BOOST_VERSION / 100000) + "." + std::to_string(BOOST_VERSION / 100 % 1000) + "." + std::to_string(BOOST_VERSION % 100);
    return text.c_str();
}

int main(int argc, char **argv)
{
    peer_system boost{};
    boost.name = "boost";
    boost.variants[0] = "queue";
    boost.version = version;
    boost.prepare = prepare;
    boost.open = open_queues;
    boost.send = send_messages;
    boost.receive = receive_messages;
    boost.ping = ping;
    boost.pong = pong;
    boost.cleanup = cleanup;
    return peer_main(argc, argv, &boost);
}
