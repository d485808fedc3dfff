using System.Numerics;
using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using OneCopy.Memory;
using OneCopy.Messaging;

namespace OneCopy.Microbenchmarks;

/// <summary>
/// A large copy in pieces, by ordinary stores and by such that go past the caches: from which length on these are worth it (<see cref="StreamingCopy.From"/>), also for who reads all that came afterwards.
/// </summary>
public unsafe class CopiesPastTheCache
{
    private const int Piece = 512 * 1024;

    private PooledBuffer _source;
    private PooledBuffer _target;

    [Params(4, 8, 16, 32, 64)]
    public int MiB { get; set; }

    [Params(false, true)]
    public bool IsReadAfterwards { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _source = OneCopyMemoryPool.Shared.RentBuffer(MiB << 20);
        _target = OneCopyMemoryPool.Shared.RentBuffer(MiB << 20);
        _source.Span.Fill(1);
        _target.Span.Fill(2);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _source.Dispose();
        _target.Dispose();
    }

    [Benchmark(Baseline = true)]
    public long Ordinary()
    {
        for (long done = 0; done < MiB << 20; done += Piece)
            Buffer.MemoryCopy(_source.Pointer + done, _target.Pointer + done, Piece, Piece);
        return Read();
    }

    [Benchmark]
    public long Streamed()
    {
        for (long done = 0; done < MiB << 20; done += Piece)
            StreamingCopy.Stream(_source.Pointer + done, _target.Pointer + done, Piece);
        return Read();
    }

    private long Read()
    {
        long sum = 0;
        if (IsReadAfterwards)
        {
            foreach (Vector<long> some in MemoryMarshal.Cast<byte, Vector<long>>(_target.Span))
                sum += some[0];
        }

        return sum;
    }
}
