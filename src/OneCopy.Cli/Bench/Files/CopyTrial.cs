using System.Buffers;
using Microsoft.Win32.SafeHandles;
using OneCopy.Cli.Bench.Measuring;

namespace OneCopy.Cli.Bench.Files;

/// <summary>
/// Copies files into new ones: opening, making and closing them is part of it, as it is when somebody copies files. What the first
/// run made is compared with the sources.
/// </summary>
internal sealed class CopyTrial(string way, WorkFiles sources, bool cold, bool hasThreads, Action<string, string> copy) : Trial(way)
{
    private bool _compared;

    public override bool HasThreads => hasThreads;

    public override void Prepare()
    {
        if (cold && sources.Evict() is { } reason)
            throw new NotHereException(reason);
    }

    public override void Run()
    {
        foreach (string path in sources.Paths)
            copy(path, DestinationOf(path));
    }

    public override void TidyUp()
    {
        if (!_compared && sources.Paths.All(p => File.Exists(DestinationOf(p))))
        {
            _compared = true;
            foreach (string path in sources.Paths)
                Compare(path, DestinationOf(path));
        }

        // Before the kernel has begun to write them to storage, which would disturb whoever is next.
        foreach (string path in sources.Paths)
            File.Delete(DestinationOf(path));
    }

    private static string DestinationOf(string source) => source + ".copy";

    private void Compare(string source, string destination)
    {
        const int Piece = 1 << 20;
        byte[] one = ArrayPool<byte>.Shared.Rent(Piece), other = ArrayPool<byte>.Shared.Rent(Piece);
        try
        {
            using SafeFileHandle from = File.OpenHandle(source), to = File.OpenHandle(destination);
            long at = 0;
            for (int n; (n = RandomAccess.Read(from, one.AsSpan(0, Piece), at)) > 0; at += n)
            {
                if (RandomAccess.Read(to, other.AsSpan(0, n), at) != n || !one.AsSpan(0, n).SequenceEqual(other.AsSpan(0, n)))
                    throw new IOException($"{Way} made a copy that differs from its source within {Piece} bytes of offset {at}.");
            }

            if (RandomAccess.GetLength(to) != at)
                throw new IOException($"{Way} made a copy of {RandomAccess.GetLength(to)} bytes of a file of {at}.");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(one);
            ArrayPool<byte>.Shared.Return(other);
        }
    }
}
