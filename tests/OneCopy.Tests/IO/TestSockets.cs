using System.Net;
using System.Net.Sockets;

namespace OneCopy.Tests.IO;

/// <summary>Two sockets that are connected to each other.</summary>
internal sealed class TestSockets : IDisposable
{
    private readonly Socket _one;
    private readonly Socket _other;

    public TestSockets(bool datagrams = false)
    {
        if (datagrams)
        {
            _one = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            _other = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            _one.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _other.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _other.Connect(_one.LocalEndPoint!);
            _one.Connect(_other.LocalEndPoint!);
            return;
        }
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        _one = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _one.Connect(listener.LocalEndPoint!);
        _other = listener.Accept();
    }

    public SafeSocketHandle One => _one.SafeHandle;

    public SafeSocketHandle Other => _other.SafeHandle;

    public Socket OneAsSocket => _one;

    public void Dispose()
    {
        _one.Dispose();
        _other.Dispose();
    }
}
