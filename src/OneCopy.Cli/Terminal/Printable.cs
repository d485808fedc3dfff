using System.Text;

namespace OneCopy.Cli.Terminal;

/// <summary>Other people's text and bytes, made fit for a terminal: what would steer it is shown and not sent.</summary>
internal static class Printable
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>With control characters, and those that turn the direction of writing, as \xNN.</summary>
    public static string Text(string text) => string.Concat(text.Select(c => Steers(c) ? $"\\x{(int)c:x2}" : $"{c}"));

    /// <summary>The bytes as text if that is what they are; null if not. The last character may be cut off.</summary>
    public static string? AsText(ReadOnlySpan<byte> bytes, bool isCut)
    {
        // A character of UTF-8 has four bytes at most, so that up to three may be the beginning of one.
        for (int cut = 0; cut <= (isCut ? 3 : 0) && cut <= bytes.Length; cut++)
        {
            try
            {
                string text = s_strict.GetString(bytes[..^cut]);
                return text.Any(c => Steers(c) && c is not ('\n' or '\r' or '\t')) ? null : text;
            }
            catch (DecoderFallbackException)
            {
                // Perhaps one byte less.
            }
        }

        return null;
    }

    /// <summary>One line: text in quotes, anything else in hexadecimal.</summary>
    public static string Line(ReadOnlySpan<byte> bytes, bool isCut)
    {
        string more = isCut ? "…" : "";
        return AsText(bytes, isCut) is { } text
            ? $"\"{text.Replace("\\", "\\\\").Replace("\n", "\\n").Replace("\r", "\\r").Replace("\t", "\\t")}{more}\""
            : Convert.ToHexStringLower(bytes) + more;
    }

    private static bool Steers(char c) => char.IsControl(c) || c is (>= '\u200e' and <= '\u200f') or (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069');
}
