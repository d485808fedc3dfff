using System.Collections;
using System.ComponentModel;
using OneCopy.Interop;

namespace OneCopy;

/// <summary>
/// Up to 16 spans for one request, in order: each is written before the next. Lives on the stack and allocates nothing. Written as a collection:
/// <c>VectoredIO.WriteAt(handle, [header, body])</c>.
/// </summary>
/// <remarks>
/// A span of the stack may be among them where the collection is an argument, as above; a variable that holds one is declared
/// <c>scoped</c>. More than 16 buffers: a list of memory takes any number. Not for more than one thread.
/// </remarks>
public ref struct WriteBuffers : IEnumerable
{
    /// <summary>The most spans in one: 16. Spans cannot be in an array, so each is a field.</summary>
    public const int Capacity = 16;

    private ReadOnlySpan<byte> _0;
    private ReadOnlySpan<byte> _1;
    private ReadOnlySpan<byte> _2;
    private ReadOnlySpan<byte> _3;
    private ReadOnlySpan<byte> _4;
    private ReadOnlySpan<byte> _5;
    private ReadOnlySpan<byte> _6;
    private ReadOnlySpan<byte> _7;
    private ReadOnlySpan<byte> _8;
    private ReadOnlySpan<byte> _9;
    private ReadOnlySpan<byte> _10;
    private ReadOnlySpan<byte> _11;
    private ReadOnlySpan<byte> _12;
    private ReadOnlySpan<byte> _13;
    private ReadOnlySpan<byte> _14;
    private ReadOnlySpan<byte> _15;
    private int _count;

    /// <summary>No spans yet.</summary>
    public WriteBuffers()
    {
    }

    /// <summary>One span.</summary>
    /// <param name="buffer">The only buffer; may be empty.</param>
    public WriteBuffers(ReadOnlySpan<byte> buffer)
    {
        _0 = buffer;
        _count = 1;
    }

    /// <summary>How many spans there are, empty ones among them.</summary>
    public readonly int Count => _count;

    /// <summary>The sum of the lengths, in bytes.</summary>
    public readonly long Length
    {
        get
        {
            long sum = 0;
            for (int i = 0; i < _count; i++)
                sum += this[i].Length;
            return sum;
        }
    }

    /// <summary>A span, in the order in which they were added.</summary>
    /// <param name="index">From 0 on.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is none with this index.</exception>
    public readonly ReadOnlySpan<byte> this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)_count, nameof(index));
            return index switch
            {
                0 => _0,
                1 => _1,
                2 => _2,
                3 => _3,
                4 => _4,
                5 => _5,
                6 => _6,
                7 => _7,
                8 => _8,
                9 => _9,
                10 => _10,
                11 => _11,
                12 => _12,
                13 => _13,
                14 => _14,
                _ => _15,
            };
        }
    }

    /// <summary>One span alone.</summary>
    /// <param name="buffer">The only buffer.</param>
    public static implicit operator WriteBuffers(ReadOnlySpan<byte> buffer) => new(buffer);

    /// <summary>One array alone.</summary>
    /// <param name="buffer">The only buffer; null is an empty one.</param>
    public static implicit operator WriteBuffers(byte[]? buffer) => new(buffer);

    /// <summary>Adds a span behind the others.</summary>
    /// <param name="buffer">May be empty: it is skipped.</param>
    /// <exception cref="InvalidOperationException">There are 16 already.</exception>
    public void Add(ReadOnlySpan<byte> buffer)
    {
        switch (_count)
        {
            case 0:
                _0 = buffer;
                break;
            case 1:
                _1 = buffer;
                break;
            case 2:
                _2 = buffer;
                break;
            case 3:
                _3 = buffer;
                break;
            case 4:
                _4 = buffer;
                break;
            case 5:
                _5 = buffer;
                break;
            case 6:
                _6 = buffer;
                break;
            case 7:
                _7 = buffer;
                break;
            case 8:
                _8 = buffer;
                break;
            case 9:
                _9 = buffer;
                break;
            case 10:
                _10 = buffer;
                break;
            case 11:
                _11 = buffer;
                break;
            case 12:
                _12 = buffer;
                break;
            case 13:
                _13 = buffer;
                break;
            case 14:
                _14 = buffer;
                break;
            case 15:
                _15 = buffer;
                break;
            default:
                throw new InvalidOperationException($"At most {Capacity} spans: for more, pass a list of memory.");
        }
        _count++;
    }

    /// <summary>The spans in order.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public readonly Enumerator GetEnumerator() => new(this);

    /// <summary>Spans cannot be boxed. There only so that the compiler takes this for a collection.</summary>
    readonly IEnumerator IEnumerable.GetEnumerator() => throw new NotSupportedException("Spans cannot be boxed.");

    /// <summary>Holds all spans in place and makes the request.</summary>
    internal readonly unsafe long Move(ref VectoredRequest request, bool all)
    {
        fixed (byte* p0 = _0, p1 = _1, p2 = _2, p3 = _3, p4 = _4, p5 = _5, p6 = _6, p7 = _7, 
            p8 = _8, p9 = _9, p10 = _10, p11 = _11, p12 = _12, p13 = _13, p14 = _14, p15 = _15)
        {
            iovec* segments = stackalloc iovec[Capacity]
            {
                new((nuint)p0, (nuint)_0.Length),
                new((nuint)p1, (nuint)_1.Length),
                new((nuint)p2, (nuint)_2.Length),
                new((nuint)p3, (nuint)_3.Length),
                new((nuint)p4, (nuint)_4.Length),
                new((nuint)p5, (nuint)_5.Length),
                new((nuint)p6, (nuint)_6.Length),
                new((nuint)p7, (nuint)_7.Length),
                new((nuint)p8, (nuint)_8.Length),
                new((nuint)p9, (nuint)_9.Length),
                new((nuint)p10, (nuint)_10.Length),
                new((nuint)p11, (nuint)_11.Length),
                new((nuint)p12, (nuint)_12.Length),
                new((nuint)p13, (nuint)_13.Length),
                new((nuint)p14, (nuint)_14.Length),
                new((nuint)p15, (nuint)_15.Length),
            };
            return request.Move(new ReadOnlySpan<iovec>(segments, _count), all);
        }
    }

    /// <summary>Walks over the spans.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public ref struct Enumerator
    {
        private readonly WriteBuffers _buffers;
        private int _index = -1;

        internal Enumerator(WriteBuffers buffers) => _buffers = buffers;

        /// <summary>The span at the place reached.</summary>
        public readonly ReadOnlySpan<byte> Current => _buffers[_index];

        /// <summary>Goes to the next one; false behind the last.</summary>
        public bool MoveNext() => ++_index < _buffers._count;
    }
}
