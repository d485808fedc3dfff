using System.Buffers.Binary;
using System.Text;

namespace OneCopy;

/// <summary>
/// What travels with a message beside its payload. Encoded, all of it may take 16 KiB at most (<see cref="MaxEncodedLength"/>).
/// Not thread-safe while it is being changed.
/// </summary>
public sealed class MessageProperties
{
    /// <summary>The most bytes that the properties of one message may take, encoded (UTF-8 and two bytes for each length).</summary>
    public const int MaxEncodedLength = 16 * 1024;

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: false);

    private Dictionary<string, string>? _headers;

    /// <summary>The application's own name for this message, or null.</summary>
    public string? MessageId { get; set; }

    /// <summary>What this message answers or belongs to, or null.</summary>
    public string? CorrelationId { get; set; }

    /// <summary>The payload's media type, such as <c>application/json</c>, or null.</summary>
    public string? ContentType { get; set; }

    /// <summary>The application's own headers. Names are compared byte by byte.</summary>
    public IDictionary<string, string> Headers => _headers ??= new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Bytes beyond <see cref="MaxEncodedLength"/> that the library itself may use.</summary>
    internal int AllowMore { get; set; }

    internal bool IsEmpty => MessageId is null && CorrelationId is null && ContentType is null && _headers is not { Count: > 0 };

    /// <summary>Bytes that <see cref="Encode"/> writes. Throws <see cref="ArgumentException"/> if they are too many.</summary>
    internal int EncodedLength()
    {
        if (IsEmpty)
            return 0;
        long total = Length(MessageId) + Length(CorrelationId) + Length(ContentType) + 2L;
        if (_headers is not null)
        {
            foreach ((string name, string? value) in _headers)
            {
                if (value is null)
                    throw new ArgumentException($"The header \"{name}\" has no value: leave it out, or give it an empty string.");
                total += Length(name) + Length(value);
            }
        }

        return total <= MaxEncodedLength + AllowMore
            ? (int)total
            : throw new ArgumentException(
                $"The message's properties take {total:N0} bytes; {MaxEncodedLength:N0} are allowed. Put large values into the payload.");
    }

    internal MessageProperties Copy()
    {
        MessageProperties copy = new() { MessageId = MessageId, CorrelationId = CorrelationId, ContentType = ContentType };
        if (_headers is not null)
            copy._headers = new Dictionary<string, string>(_headers, StringComparer.Ordinal);
        return copy;
    }

    internal void Encode(Span<byte> destination)
    {
        if (destination.IsEmpty)
            return;
        Span<byte> rest = Write(destination, MessageId);
        rest = Write(rest, CorrelationId);
        rest = Write(rest, ContentType);
        BinaryPrimitives.WriteUInt16LittleEndian(rest, (ushort)(_headers?.Count ?? 0));
        rest = rest[2..];
        if (_headers is null)
            return;
        foreach ((string name, string value) in _headers)
        {
            rest = Write(rest, name);
            rest = Write(rest, value);
        }
    }

    /// <summary>Reads what <see cref="Encode"/> wrote, from a copy that nobody else can change. False: it is damaged.</summary>
    internal static bool TryDecode(ReadOnlySpan<byte> source, out MessageProperties properties)
    {
        properties = new MessageProperties();
        if (source.IsEmpty)
            return true;
        if (!TryRead(ref source, out string? id) || !TryRead(ref source, out string? correlation) || !TryRead(ref source, out string? type)
            || source.Length < 2)
            return false;
        properties.MessageId = id;
        properties.CorrelationId = correlation;
        properties.ContentType = type;
        int count = BinaryPrimitives.ReadUInt16LittleEndian(source);
        source = source[2..];
        for (int i = 0; i < count; i++)
        {
            if (!TryRead(ref source, out string? name) || !TryRead(ref source, out string? value) || name is null || value is null)
                return false;
            properties.Headers[name] = value;
        }

        return source.IsEmpty;
    }

    // A length of 0xffff is null; an encoded string is never that long, because the whole may take 16 KiB.
    private static long Length(string? text) => 2 + (text is null ? 0L : s_utf8.GetByteCount(text));

    private static Span<byte> Write(Span<byte> destination, string? text)
    {
        if (text is null)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(destination, ushort.MaxValue);
            return destination[2..];
        }

        int length = s_utf8.GetBytes(text, destination[2..]);
        BinaryPrimitives.WriteUInt16LittleEndian(destination, (ushort)length);
        return destination[(2 + length)..];
    }

    private static bool TryRead(ref ReadOnlySpan<byte> source, out string? text)
    {
        text = null;
        if (source.Length < 2)
            return false;
        int length = BinaryPrimitives.ReadUInt16LittleEndian(source);
        source = source[2..];
        if (length == ushort.MaxValue)
            return true;
        if (length > source.Length)
            return false;
        text = s_utf8.GetString(source[..length]);
        source = source[length..];
        return true;
    }
}
