using System.IO.Pipes;
using OneCopy.Cli.Processes;

namespace OneCopy.Cli.Bench.Queue.Workers;

/// <summary>A named pipe of System.IO.Pipes, with blocking calls. Both ends know how long messages are, so that none has a header.</summary>
internal sealed class PipeLink : Link
{
    private readonly PipeStream _pipe;
    private readonly Slab _source;
    private readonly Slab _target;
    private readonly int _bytes;

    public PipeLink(LinkPlan plan)
    {
        _bytes = checked((int)plan.Bytes);
        _source = new Slab(plan.IsRoundTrip || plan.IsFirst ? _bytes : 0, hugePages: false, Content);
        _target = new Slab(plan.IsRoundTrip || !plan.IsFirst ? _bytes : 0, hugePages: false);
        string path = Path.Combine(plan.Root, plan.Name);
        if (!plan.IsFirst)
        {
            _pipe = new NamedPipeServerStream(path, PipeDirection.InOut, 1, PipeTransmissionMode.Byte, PipeOptions.None);
            return;
        }

        NamedPipeClientStream client = new(".", path, PipeDirection.InOut, PipeOptions.None);
        client.Connect();
        _pipe = client;
    }

    public override void Meet()
    {
        if (_pipe is NamedPipeServerStream server)
            server.WaitForConnection();
    }

    public override void Send(int count)
    {
        ReadOnlySpan<byte> payload = _source.Span(0, _bytes);
        for (int i = 0; i < count; i++)
            _pipe.Write(payload);
    }

    public override void Receive(int count)
    {
        Span<byte> target = _target.Span(0, _bytes);
        for (int i = 0; i < count; i++)
            _pipe.ReadExactly(target);
    }

    public override void Check() => Check(_target.Span(0, _bytes));

    protected override void Dispose(bool disposing)
    {
        _pipe.Dispose();
        _source.Dispose();
        _target.Dispose();
    }
}
