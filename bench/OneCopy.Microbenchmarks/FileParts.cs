using BenchmarkDotNet.Attributes;
using Microsoft.Win32.SafeHandles;

namespace OneCopy.Microbenchmarks;

/// <summary>Reads of a warm file in memory: by call, by .NET's own, through a view.</summary>
public class FileParts
{
    private const int Length = 16 << 20;
    private readonly Scratch _scratch = new();
    private readonly byte[] _a = new byte[4096];
    private readonly byte[] _b = new byte[4096];
    private SafeFileHandle _file = null!;
    private MappedFile _mapped = null!;
    private MappedView _view = null!;
    private long _at;

    [GlobalSetup]
    public void Setup()
    {
        string path = Path.Combine(_scratch.Path, "file");
        File.WriteAllBytes(path, new byte[Length]);
        _file = File.OpenHandle(path);
        _mapped = MappedFile.Open(path);
        _view = _mapped.Map(0, Length);
        _view.Populate(0, Length);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _view.Dispose();
        _mapped.Dispose();
        _file.Dispose();
        _scratch.Dispose();
    }

    [Benchmark(Baseline = true)]
    public int RandomAccessRead() => RandomAccess.Read(_file, _a, Next());

    [Benchmark]
    public long VectoredRead() => VectoredIO.ReadAt(_file, [_a], Next());

    [Benchmark]
    public long VectoredReadOfTwo() => VectoredIO.ReadAt(_file, [_a, _b], Next());

    [Benchmark]
    public void ViewCopyTo() => _view.CopyTo(Next(), _a);

    [Benchmark]
    public void ViewReadSafely() => _view.ReadSafely(Next(), _a);

    [Benchmark]
    public long ViewTyped() => _view.Read<long>(Next());

    [Benchmark]
    public int ViewSpan() => _view.GetReadOnlySpan(Next(), 64)[0];

    // Page after page, and round again, so that no call is of the bytes of the one before.
    private long Next() => _at = (_at + 8192) & (Length - 1) & ~8191L;
}
