using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using OneCopy;

namespace Pipelines;

public sealed record Reading(int Sensor, double Value);

public static class Lines
{
    public static async Task WriteAsync(string name, int count)
    {
        await using var queue = MessageQueue.Open(name);
        var writer = QueuePipe.CreateWriter(queue);

        await using (var json = new Utf8JsonWriter(writer))             // serializes into the messages themselves
        {
            for (int i = 0; i < count; i++)
            {
                JsonSerializer.Serialize(json, new Reading(i, i * 0.5));
                await json.FlushAsync();
                json.Reset();
                writer.Write("\n"u8);
                if (writer.UnflushedBytes > 16 * 1024)
                    await writer.FlushAsync();                          // waits when the reader is behind
            }
        }

        await writer.CompleteAsync();
    }

    public static async Task<(int Count, double Sum)> ReadAsync(string name)
    {
        await using var queue = MessageQueue.Open(name);
        var reader = QueuePipe.CreateReader(queue);
        int count = 0;
        double sum = 0;

        while (true)
        {
            ReadResult result = await reader.ReadAsync();               // the writer's bytes, where it put them
            ReadOnlySequence<byte> rest = result.Buffer;

            while (rest.PositionOf((byte)'\n') is { } end)
            {
                sum += Parse(rest.Slice(0, end)).Value;
                count++;
                rest = rest.Slice(rest.GetPosition(1, end));
            }

            reader.AdvanceTo(rest.Start, rest.End);                     // half a line comes again, with its other half
            if (result.IsCompleted)
                break;
        }

        await reader.CompleteAsync();
        return (count, sum);
    }

    private static Reading Parse(ReadOnlySequence<byte> line)
    {
        var json = new Utf8JsonReader(line);
        return JsonSerializer.Deserialize<Reading>(ref json)!;
    }
}
