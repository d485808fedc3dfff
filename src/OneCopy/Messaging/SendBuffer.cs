using System.Buffers;
using OneCopy.Messaging;

namespace OneCopy;

/// <summary>
/// Memory of the queue in which a message is built in place: what is written here is not copied on the sender's side. Send it with
/// <see cref="MessageQueue.Send(SendBuffer, SendOptions?, CancellationToken)"/>; disposing it unsent gives the memory back. Not
/// thread-safe.
/// </summary>
/// <remarks>
/// <para>
/// There are two ways to fill it. <see cref="Span"/> is the whole length, all of which is sent. As <see cref="IBufferWriter{T}"/> it takes what is written one after the
/// other; from the first call of <see cref="Advance"/>, <see cref="GetSpan"/> or <see cref="GetMemory"/> on it is a writer, of which the first <see cref="WrittenCount"/> bytes are sent.
/// </para>
/// <para>
/// A small value; copies of it are the same buffer, and renting one allocates nothing. (Where it is handed over as an <see cref="IBufferWriter{T}"/>, that boxes it.) After it was sent or disposed,
/// everything but <see cref="Dispose"/> throws <see cref="ObjectDisposedException"/>, whatever the handle has rented since.
/// </para>
/// </remarks>
public readonly unsafe struct SendBuffer : IDisposable, IBufferWriter<byte>, IEquatable<SendBuffer>
{
    private readonly Rental? _rental;
    private readonly long _version;

    internal SendBuffer(Rental rental)
    {
        _rental = rental;
        _version = rental.Version;
    }

    /// <summary>Bytes of the memory: as rented, or more if it has grown (<see cref="GetSpan"/>).</summary>
    /// <exception cref="ObjectDisposedException">The buffer was sent or disposed.</exception>
    public int Length => Place.Length;

    /// <summary>The memory, all of it. Not to be used after the buffer has grown, or was sent or disposed.</summary>
    /// <exception cref="ObjectDisposedException">The buffer was sent or disposed.</exception>
    public Span<byte> Span
    {
        get
        {
            SendPlace place = Place;
            return new Span<byte>((void*)place.Memory, place.Length);
        }
    }

    /// <summary>Bytes written so far: by <see cref="Advance"/>, wherever they came from. What is sent if the buffer was used as a writer.</summary>
    /// <exception cref="ObjectDisposedException">The buffer was sent or disposed.</exception>
    public int WrittenCount => Checked().WrittenCount;

    internal SendPlace Place => Checked().Place;

    private Rental Rental => _rental ?? throw new InvalidOperationException("This is the default value of SendBuffer, and no buffer: MessageQueue.Rent makes one.");

    /// <summary>Counts the next bytes as written. Those before them may have been written through <see cref="Span"/>: a header that is filled in last, say.</summary>
    /// <param name="count">At most what is left of <see cref="Length"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">Less than 0, or more than there is.</exception>
    /// <exception cref="ObjectDisposedException">The buffer was sent or disposed.</exception>
    public void Advance(int count) => Checked().Advance(count);

    /// <summary>
    /// The memory behind what was written, to write on. If less is left than is asked for, the buffer grows: a place of twice the length (within the arena's limit), into
    /// which what was written is copied. Both are held meanwhile, and the wait for room is the one given to <see cref="MessageQueue.Rent"/>. Rent as much as will be written, and nothing is copied.
    /// </summary>
    /// <param name="sizeHint">Bytes wanted at least; 0: some.</param>
    /// <exception cref="ArgumentOutOfRangeException">A negative hint.</exception>
    /// <exception cref="OneCopyException">ENOSPC, or more than the arena's limit; the buffer is as it was.</exception>
    /// <exception cref="TimeoutException">There was no room in time; the buffer is as it was.</exception>
    /// <exception cref="ObjectDisposedException">The buffer was sent or disposed.</exception>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Rental rental = Checked();
        rental.MakeRoom(sizeHint);
        return new Span<byte>((byte*)rental.Place.Memory + rental.WrittenCount, rental.Place.Length - rental.WrittenCount);
    }

    /// <summary>
    /// As <see cref="GetSpan"/>. After the buffer has grown, or was sent or disposed, every use of the memory is <see cref="ObjectDisposedException"/>; a pin does not hold it.
    /// </summary>
    /// <inheritdoc cref="GetSpan"/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Rental rental = Checked();
        rental.MakeRoom(sizeHint);
        return rental.Memory[rental.WrittenCount..];
    }

    /// <summary>Gives the memory back if it was not sent. May be called twice.</summary>
    public void Dispose() => _rental?.Dispose(_version);

    /// <summary>Whether both are the same buffer.</summary>
    /// <param name="other">The other one.</param>
    public bool Equals(SendBuffer other) => _rental == other._rental && _version == other._version;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is SendBuffer other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_rental, _version);

    /// <inheritdoc cref="Equals(SendBuffer)"/>
    /// <param name="left">One.</param>
    /// <param name="right">The other one.</param>
    public static bool operator ==(SendBuffer left, SendBuffer right) => left.Equals(right);

    /// <summary>The opposite of ==.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other one.</param>
    public static bool operator !=(SendBuffer left, SendBuffer right) => !left.Equals(right);

    /// <summary>For a send by this handle; pair with <see cref="Rental.EndSend"/>.</summary>
    internal Rental Take(MessageQueue queue)
    {
        Rental rental = Rental;
        rental.Take(queue, _version);
        return rental;
    }

    private Rental Checked()
    {
        Rental rental = Rental;
        rental.Check(_version);
        return rental;
    }
}
