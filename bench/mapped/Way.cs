using System.Runtime.CompilerServices;

namespace OneCopy.Bench.Mapped;

/// <summary>A way to read (or write) so many bytes at an offset.</summary>
internal sealed record Way(string Name, Action<long, int> Read, int Largest = int.MaxValue);

/// <summary>64 bytes.</summary>
[InlineArray(8)]
internal struct Line
{
    private long _first;
}
